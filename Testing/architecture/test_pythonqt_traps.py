"""Each trap of PythonQt that code can show is found where it is, and its portable form is let pass."""

from __future__ import annotations

import pytest

from Testing.architecture.module_source import ModuleSource, module_sources, source_of
from Testing.architecture.pythonqt_signals import (
    default_lost_to_signal,
    overload_by_subscript,
    sender_asked,
    slot_with_fewer_arguments,
    unknown_signal_in_connect,
)
from Testing.architecture.pythonqt_traps import (
    TRAPS,
    Rule,
    bytes_of_byte_array,
    class_name_of_meta_object,
    dialog_answer_unpacked,
    enum_name_or_value,
    isinstance_of_a_base,
    item_order_in_python,
    keyword_argument,
    none_as_text,
    overload_taken_for_another,
    property_called,
    signal_blocker_as_context,
    single_shot_assigned,
    slot_overwritten,
    thread_override,
    traps,
    truth_of_enum_or_object,
)

WIDGETS = {"okButton": "QPushButton", "nameLabel": "QLabel", "box": "QCheckBox"}

# Rule, what falls into the trap, what PYTHONQT's other column says instead. The trap stands in the snippet's last line.
CASES: list[tuple[Rule, str, str]] = [
    (
        slot_with_fewer_arguments,
        "d = qt.QDialog()\nb = qt.QPushButton()\nb.clicked.connect(d.accept)",
        "d = qt.QDialog()\nb = qt.QPushButton()\nb.clicked.connect(lambda *_: d.accept())",
    ),
    (
        slot_with_fewer_arguments,
        "t = qt.QTimer()\nself.ui.okButton.clicked.connect(t.stop)",
        "t = qt.QTimer()\nt.timeout.connect(t.stop)",
    ),
    (
        slot_with_fewer_arguments,
        "def f(dialog, button):\n    button.clicked.connect(dialog.close)",
        "def f(panel, button):\n    button.pressed.connect(panel.close)",
    ),
    (
        slot_with_fewer_arguments,
        "s = qt.QSlider()\nb = qt.QProgressBar()\ns.valueChanged.connect(b.reset)",
        "s = qt.QSlider()\nb = qt.QProgressBar()\ns.valueChanged.connect(b.setValue)",
    ),
    (
        slot_with_fewer_arguments,
        "class P(qt.QDialog):\n    def f(self):\n        self.ui.okButton.clicked.connect(self.reject)",
        "class P:\n    def close(self, *_): ...\n    def f(self):\n        self.ui.box.clicked.connect(self.close)",
    ),
    (
        slot_with_fewer_arguments,
        "def f(self):\n    child = make()\n    self.ui.okButton.clicked.connect(self.child.hide)",
        "def f(self):\n    child = Panel()\n    self.ui.okButton.clicked.connect(child.hide)",
    ),
    (
        unknown_signal_in_connect,
        "b = qt.QPushButton()\nb.connect('clickd()', f)",
        "b = qt.QPushButton()\nb.connect('clicked(bool)', f)",
    ),
    (overload_by_subscript, "s.valueChanged[int].connect(f)", "s.connect('valueChanged(int)', f)"),
    (sender_asked, "class P:\n    def f(self):\n        b = self.sender()", "class P:\n    def f(self, b):\n        b"),
    (
        default_lost_to_signal,
        "b = qt.QPushButton()\nfor i in rows:\n    b.clicked.connect(lambda i=i: f(i))",
        "b = qt.QPushButton()\nb.clicked.connect(lambda *_, i=i: f(i))\nb.clicked.connect(lambda c=False, i=i: f(i))",
    ),
    (keyword_argument, "qt.QLabel(text='a')", "qt.QLabel('a', None)"),
    (keyword_argument, "s = qt.QSettings()\ns.value('a', False, type=bool)", "s = qt.QSettings()\ns.value('a', False)"),
    (
        keyword_argument,
        "class W(qt.QWidget):\n    def __init__(self, p):\n        super().__init__(parent=p)",
        "class W(qt.QWidget):\n    def __init__(self, p, *, n):\n        super().__init__(p)\nW(None, n=3)",
    ),
    (keyword_argument, "ctk.ctkCollapsibleButton(collapsed=True)", "slicer.util.loadVolume('a', properties={})"),
    (
        keyword_argument,
        "slicer.app.layoutManager().sliceWidget(name='Red')",
        "slicer.app.layoutManager().sliceWidget('Red')",
    ),
    (isinstance_of_a_base, "isinstance(w, qt.QWidget)", "isinstance(w, qt.QLabel)"),
    (isinstance_of_a_base, "isinstance(w, (str, qt.QAbstractButton))", "w.inherits('QAbstractButton')"),
    (
        bytes_of_byte_array,
        "p = qt.QProcess()\nbytes(p.readAllStandardOutput())",
        "p = qt.QProcess()\np.readAllStandardOutput().data()",
    ),
    (
        bytes_of_byte_array,
        "def f(p):\n    out = p.readAllStandardError()\n    return len(out)",
        "def f(p):\n    out = p.readAllStandardError().data()\n    return len(out)",
    ),
    (bytes_of_byte_array, "f.readAll().decode()", "f.readAll().data().decode()"),
    (
        dialog_answer_unpacked,
        "path, _ = qt.QFileDialog.getOpenFileName(None, 't')",
        "path = qt.QFileDialog.getOpenFileName(None, 't')",
    ),
    (
        dialog_answer_unpacked,
        "qt.QFileDialog.getSaveFileName(None, 't')[0]",
        "qt.QFileDialog.getOpenFileNames(None, 't')[0]",
    ),
    (
        dialog_answer_unpacked,
        "text, ok = qt.QInputDialog.getText(None, 't', 'l')",
        "text = qt.QInputDialog.getText(None, 't', 'l')",
    ),
    (property_called, "w = qt.QLabel()\nw.text()", "w = qt.QTableWidgetItem()\nw.text()"),
    (
        property_called,
        "def f(self):\n    self.ui.box.checkState()\n    self.ui.box.isChecked()\n    self.ui.box.checked()",
        "self.ui.box.checked",
    ),
    (
        property_called,
        "def f(timer: qt.QTimer | None):\n    timer.interval()",
        "def f(timer: qt.QTimer | None):\n    timer.isActive()",
    ),
    (
        property_called,
        "class W(qt.QLabel):\n    def f(self):\n        self.text()",
        "class W(qt.QLabel):\n    def text(self): ...\n    def f(self):\n        self.text()",
    ),
    (
        truth_of_enum_or_object,
        "p = qt.QProcess()\nif p.state(): ...",
        "p = qt.QProcess()\nif p.state() == qt.QProcess.NotRunning: ...",
    ),
    (truth_of_enum_or_object, "x = not qt.QProcess.NotRunning", "x = kind == qt.QProcess.NotRunning"),
    (
        truth_of_enum_or_object,
        "layout = qt.QVBoxLayout()\nwhile ready and layout: ...",
        "layout = qt.QVBoxLayout()\nwhile ready and layout is not None: ...",
    ),
    (truth_of_enum_or_object, "f = qt.QFrame()\nif f.frameShape: ...", "f = qt.QFrame()\nif f.lineWidth: ..."),
    (enum_name_or_value, "qt.QProcess.NotRunning.name", "qt.QProcess.NotRunning"),
    (
        thread_override,
        "\nclass W(qt.QThread):\n    def run(self): ...",
        "class W(qt.QThread):\n    def begin(self): ...",
    ),
    (signal_blocker_as_context, "with qt.QSignalBlocker(w): ...", "blocker = qt.QSignalBlocker(w)\nblocker.unblock()"),
    (
        overload_taken_for_another,
        "qt.QDialogButtonBox(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel)",
        "qt.QDialogButtonBox(qt.QDialogButtonBox.Ok, None)",
    ),
    (overload_taken_for_another, "qt.QBrush(qt.Qt.red)", "qt.QBrush(qt.QColor(qt.Qt.red))"),
    (
        item_order_in_python,
        "\nclass I(qt.QTableWidgetItem):\n    def __lt__(self, o): ...",
        "class I(qt.QTableWidgetItem):\n    def f(self): ...",
    ),
    (class_name_of_meta_object, "w.metaObject().className()", "w.className()\nw.metaObject().getClassName()"),
    (
        slot_overwritten,
        "class W(qt.QWidget):\n    def f(self):\n        self.layout = 5",
        "class W(qt.QWidget):\n    def f(self):\n        self.rows = 5",
    ),
    (none_as_text, "w = qt.QLabel()\nw.text = None", "w = qt.QLabel()\nw.text = ''"),
    (
        single_shot_assigned,
        "t = qt.QTimer()\nt.singleShot = True",
        "t = qt.QTimer()\nt.setSingleShot(True)\nt.interval = 3",
    ),
]


def a_snippet(text: str) -> ModuleSource:
    return source_of("import ctk, qt, slicer\n" + text, "panel.py", WIDGETS)


@pytest.mark.parametrize(("rule", "bad", "good"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_a_trap_is_named_with_its_file_and_line(rule: Rule, bad: str, good: str) -> None:
    found = list(rule(a_snippet(bad)))
    line = 3 if bad.startswith("\nclass") else 2 + bad.count("\n")
    assert [str(one).partition(": ")[0] for one in found] == [f"panel.py:{line}"], [str(one) for one in found]


@pytest.mark.parametrize(("rule", "bad", "good"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_the_portable_form_falls_into_no_trap(rule: Rule, bad: str, good: str) -> None:
    assert traps(a_snippet(good)) == []


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} == set(TRAPS)


def test_the_modules_fall_into_no_trap() -> None:
    assert [str(one) for source in module_sources() for one in traps(source)] == []
