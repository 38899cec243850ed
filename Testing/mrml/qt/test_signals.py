"""PYTHONQT.md section 2: signals, by attribute and by string."""

import functools
import gc
import sys
import weakref

import pytest


@pytest.fixture
def a_button(qt):
    return qt.QPushButton("b")


def test_connect_answers_true(a_button, received):
    assert a_button.clicked.connect(received.append) is True


def test_a_function_without_parameters_is_called_without(a_button, received):
    a_button.clicked.connect(lambda: received.append("called"))
    a_button.click()
    assert received == ["called"]


def test_a_default_is_overwritten_by_checked(a_button, received):
    a_button.clicked.connect(lambda x="default": received.append(x))
    a_button.click()
    assert received == [False]


def test_varargs_get_checked(a_button, received):
    a_button.clicked.connect(lambda *args: received.append(args))
    a_button.click()
    assert received == [(False,)]


def test_a_keyword_only_parameter_keeps_its_default(a_button, received):
    a_button.clicked.connect(lambda *, i=3: received.append(i))
    a_button.click()
    assert received == [3]


def test_a_partial_gets_checked(a_button, received):
    a_button.clicked.connect(functools.partial(lambda *args: received.append(args), 7))
    a_button.click()
    assert received == [(7, False)]


def test_a_builtin_gets_checked(a_button, received):
    a_button.clicked.connect(received.append)
    a_button.click()
    assert received == [False]


def test_a_callable_object_gets_an_argument_too_many(a_button, faults):
    class Receiver:
        def __call__(self):
            raise AssertionError("not reached")

    a_button.clicked.connect(Receiver())
    with faults.expected("takes 1 positional argument but 2 were given"):
        a_button.click()


def test_connected_twice_is_called_twice(a_button, received):
    for _ in range(2):
        a_button.clicked.connect(received.append)
    a_button.click()
    assert len(received) == 2


def test_disconnected_is_not_called(a_button, received):
    a_button.clicked.connect(received.append)
    assert a_button.clicked.disconnect(received.append)
    a_button.click()
    assert received == []


def test_all_are_disconnected(a_button, received):
    a_button.clicked.connect(received.append)
    a_button.clicked.connect(lambda: received.append(1))
    a_button.clicked.disconnect()
    a_button.click()
    assert received == []


def test_a_bound_method_is_disconnected(qt, a_button, received):
    class Panel:
        def onClicked(self, checked=False):
            received.append(checked)

    panel = Panel()
    a_button.clicked.connect(panel.onClicked)
    a_button.click()
    assert a_button.clicked.disconnect(panel.onClicked)
    a_button.click()
    assert received == [False]


def test_a_string_connects_the_overload_it_names(a_button, received):
    assert a_button.connect("clicked()", lambda *args: received.append(args)) is True
    assert a_button.connect("clicked(bool)", lambda *args: received.append(args)) is True
    a_button.click()
    assert sorted(received) == [(), (False,)]


def test_a_string_is_disconnected(a_button, received):
    a_button.connect("clicked()", received.clear)
    assert a_button.disconnect("clicked()", received.clear) is True
    assert a_button.disconnect("clicked()", received.clear) is False


def test_a_string_names_the_slot_of_a_receiver(qt):
    edit, label = qt.QLineEdit(), qt.QLabel()
    assert edit.connect("textChanged(QString)", label, "setText(QString)")
    edit.text = "x"
    assert label.text == "x"
    assert edit.disconnect("textChanged(QString)", label, "setText(QString)")


def test_an_unknown_signal_answers_false_and_names_the_line(a_button, received, faults):
    with faults.expected("has no signal 'clickt()'"):
        assert a_button.connect("clickt()", received.append) is False
        line = sys._getframe().f_lineno - 1
        assert (faults[-1].file, faults[-1].line) == (__file__, line)


def test_an_unknown_signal_as_attribute_is_an_error(a_button):
    with pytest.raises(AttributeError, match="clickt"):
        _ = a_button.clickt


@pytest.mark.parametrize("slot", ["setTxt(QString)", "setText(int)"])
def test_an_unknown_slot_answers_false(qt, faults, slot):
    with faults.expected("has no slot"):
        assert qt.QLineEdit().connect("textChanged(QString)", qt.QLabel(), slot) is False


def test_a_signal_has_no_overloads_to_choose(qt):
    with pytest.raises(TypeError, match="not subscriptable"):
        qt.QSpinBox().valueChanged[int]


def test_a_wrapped_slot_with_fewer_arguments_is_not_called(qt, a_button, faults):
    dialog = qt.QDialog()
    for slot in (dialog.accept, qt.QTimer(dialog).stop, qt.QPushButton(dialog).click):
        a_button.clicked.connect(slot)
    with faults.expected("accept() with wrong number", "stop() with wrong number", "click() with wrong number"):
        a_button.click()
    assert dialog.result() == qt.QDialog.Rejected


def test_the_fault_of_a_wrapped_slot_names_the_line_of_its_connection(qt, a_button, faults):
    dialog = qt.QDialog()
    a_button.clicked.connect(dialog.accept)
    line = sys._getframe().f_lineno - 1
    with faults.expected("accept()"):
        a_button.click()
        assert (faults[-1].file, faults[-1].line) == (__file__, line)


def test_a_wrapped_slot_with_the_same_arguments_is_called(qt):
    slider, bar = qt.QSlider(), qt.QProgressBar()
    slider.valueChanged.connect(bar.setValue)
    slider.value = 7
    assert bar.value == 7


def test_a_wrapped_slot_is_disconnected(qt):
    edit, label = qt.QLineEdit(), qt.QLabel()
    edit.textChanged.connect(label.setText)
    assert edit.textChanged.disconnect(label.setText)
    edit.text = "x"
    assert label.text == ""


def test_a_signal_is_connected_to_a_signal(qt, a_button, received):
    other = qt.QPushButton()
    a_button.clicked.connect(other.clicked)
    other.clicked.connect(received.append)
    a_button.click()
    assert received == [False]


def test_a_connection_keeps_the_object_of_a_bound_method_alive(a_button):
    class Panel:
        def onClicked(self):
            pass

    panel = Panel()
    a_button.clicked.connect(panel.onClicked)
    kept = weakref.ref(panel)
    del panel
    gc.collect()
    assert kept() is not None


def test_an_exception_in_a_slot_is_a_fault_and_the_next_slot_runs(a_button, received, faults):
    def fail():
        raise KeyError("lesion")

    a_button.clicked.connect(fail)
    a_button.clicked.connect(received.append)
    with faults.expected("KeyError: 'lesion'"):
        a_button.click()
        assert (faults[-1].file, faults[-1].line) == (__file__, fail.__code__.co_firstlineno + 1)
    assert received == [False]


def test_a_signal_is_emitted_by_emit_and_by_call(a_button, received):
    a_button.clicked.connect(received.append)
    a_button.clicked.emit(True)
    a_button.clicked(True)
    assert received == [True, True]


def test_the_sender_is_unknown(qt, a_button, received):
    class Panel(qt.QWidget):
        def onClicked(self):
            received.append(self.sender())

    panel = Panel()
    a_button.clicked.connect(panel.onClicked)
    a_button.click()
    assert received == [None]


def test_a_class_declares_a_signal(qt, received):
    class Queue(qt.QObject):
        job_done = qt.Signal(int)

    queue = Queue()
    queue.job_done.connect(received.append)
    queue.connect("job_done(int)", lambda: received.append("string"))
    queue.job_done.emit(3)
    assert received == [3, "string"]


def test_blocked_signals_do_not_come(qt, received):
    box = qt.QSpinBox()
    box.valueChanged.connect(received.append)
    assert box.blockSignals(True) is False
    box.value = 3
    assert box.blockSignals(False) is True
    blocker = qt.QSignalBlocker(box)
    box.value = 4
    blocker.unblock()
    box.value = 5
    assert received == [5]


def test_a_blocker_is_no_context(qt):
    box = qt.QSpinBox()
    with pytest.raises(TypeError), qt.QSignalBlocker(box):
        pass


def test_the_state_of_a_check_box_compares_with_the_enumeration(qt, received):
    box = qt.QCheckBox()
    box.stateChanged.connect(received.append)
    box.checkStateChanged.connect(received.append)
    box.checked = True
    assert received == [qt.Qt.Checked, qt.Qt.Checked] == [2, 2]


def test_finished_calls_functions_of_every_length(qt, received):
    process = qt.QProcess()
    process.finished.connect(lambda: received.append(()))
    process.finished.connect(lambda code: received.append((code,)))
    process.finished.connect(lambda code, status: received.append((code, status)))
    process.start(sys.executable, ["-c", "raise SystemExit(3)"])
    assert process.waitForFinished(60000)
    assert received == [(), (3,), (3, qt.QProcess.NormalExit)]


def test_a_changed_selection_comes_without_its_items(qt, received):
    view = qt.QListWidget()
    view.addItems(["a", "b"])
    view.selectionModel().selectionChanged.connect(lambda *args: received.append(args))
    view.setCurrentRow(1)
    assert received == [(None, None)]
    assert [index.row() for index in view.selectionModel().selectedRows()] == [1]


def test_a_receiver_that_is_gone_is_left_out(qt):
    edit, label = qt.QLineEdit(), qt.QLabel()
    edit.connect("textChanged(QString)", label, "setText(QString)")
    label.delete()
    edit.text = "x"
    assert edit.text == "x"
