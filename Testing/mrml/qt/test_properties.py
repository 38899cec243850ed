"""PYTHONQT.md section 1: properties are attributes, and nothing else may be assigned."""

import pytest

PROPERTIES_THAT_ARE_READ = {
    "QLabel": ("text", "visible", "width", "size", "font", "objectName", "sizeHint", "toolTip"),
    "QCheckBox": ("checked", "text", "enabled"),
    "QSpinBox": ("value", "minimum"),
    "QComboBox": ("currentIndex", "count", "currentText", "currentData"),
    "QTableWidget": ("rowCount", "columnCount"),
    "QVBoxLayout": ("spacing", "contentsMargins"),
    "QTimer": ("interval", "active"),
}
SETTERS = {
    "QLabel": ("setText('x')", "setToolTip('x')", "setObjectName('x')", "setMinimumWidth(3)", "setAlignment(2)"),
    "QWidget": ("setContentsMargins(1, 2, 3, 4)", "setSizePolicy(7, 7)", "setMinimumSize(3, 4)", "setVisible(False)"),
    "QCheckBox": ("setChecked(True)", "setEnabled(False)"),
    "QSpinBox": ("setValue(2)", "setRange(0, 9)"),
    "QComboBox": ("setCurrentIndex(-1)",),
    "QPlainTextEdit": ("setPlainText('x')",),
    "QTableWidget": ("setRowCount(3)", "setEditTriggers(qt.QAbstractItemView.NoEditTriggers)"),
    "QVBoxLayout": ("setSpacing(2)", "addStretch(1)"),
    "QDialog": ("setModal(True)", "setWindowTitle('x')", "setGeometry(1, 2, 3, 4)", "resize(3, 4)", "setHidden(True)"),
    "QPushButton": ("setIcon(qt.QIcon())", "setFont(qt.QFont())", "setFixedSize(3, 4)", "setCursor(qt.Qt.WaitCursor)"),
    "QLineEdit": ("selectAll()", "clear()", "setFocus()", "setDisabled(True)", "setFixedWidth(3)"),
    "QTableWidgetItem": ("setText('x')", "setCheckState(qt.Qt.Checked)", "setFlags(qt.Qt.ItemIsEnabled)"),
    "QTimer": ("setInterval(9)", "setSingleShot(True)"),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, all_ in PROPERTIES_THAT_ARE_READ.items() for name in all_]
)
def test_a_property_is_read_without_a_call(qt, kind, name):
    with pytest.raises(TypeError, match="not callable"):
        getattr(getattr(qt, kind)(), name)()


@pytest.mark.parametrize(("kind", "call"), [(kind, call) for kind, all_ in SETTERS.items() for call in all_])
def test_setters_are_methods(qt, kind, call):
    assert eval(f"thing.{call}", {"qt": qt, "thing": getattr(qt, kind)()}) is None


def test_what_is_assigned_is_read_back(qt):
    label = qt.QLabel("a")
    label.text, label.enabled, label.minimumWidth = "b", False, 33
    assert (label.text, label.enabled, label.minimumWidth) == ("b", False, 33)


def test_an_icon_and_a_pixmap_are_assigned(qt):
    button, label, pixmap = qt.QPushButton(), qt.QLabel(), qt.QPixmap(4, 4)
    button.icon, label.pixmap = qt.QIcon(pixmap), pixmap
    assert (button.icon.isNull(), label.pixmap.width()) == (False, 4)


def test_getters_with_another_name_stay_methods(qt):
    box = qt.QCheckBox()
    assert (box.isVisible(), box.isEnabled(), box.isChecked()) == (False, True, False)


def test_plain_text_is_read_by_method_and_by_property(qt):
    assert qt.QPlainTextEdit("x").toPlainText() == qt.QPlainTextEdit("x").plainText == "x"


def test_table_items_and_sizes_have_methods(qt):
    assert (qt.QTableWidgetItem("x").text(), qt.QSize(2, 3).width()) == ("x", 2)


def test_current_data_is_a_property(qt):
    box = qt.QComboBox()
    box.addItem("a", 7)
    assert box.currentData == box.itemData(box.currentIndex) == 7


def test_a_dialog_becomes_modal_by_assignment(qt):
    dialog = qt.QDialog()
    dialog.modal = True
    assert dialog.modal


def test_single_shot_is_not_a_property(qt):
    with pytest.raises(AttributeError):
        qt.QTimer().singleShot = True


def test_single_shot_is_set_by_its_property_name(qt):
    timer = qt.QTimer()
    assert timer.setProperty("singleShot", True)
    assert timer.isSingleShot()


def test_margins_of_a_layout_are_not_set_by_property_name(qt):
    assert qt.QVBoxLayout().setProperty("contentsMargins", qt.QMargins(1, 2, 3, 4)) is False


def test_margins_of_a_layout_are_assigned(qt):
    layout = qt.QVBoxLayout()
    layout.contentsMargins = qt.QMargins(1, 2, 3, 4)
    assert layout.contentsMargins.bottom() == 4


def test_a_tool_tip_comes_back_as_rich_text(qt):
    label = qt.QLabel()
    label.toolTip = "t"
    assert label.toolTip == "<p>t</p>"


def test_a_dynamic_property_is_an_attribute(qt):
    label = qt.QLabel()
    label.setProperty("lesion", 1)
    label.lesion = 2
    assert (label.lesion, label.property("lesion")) == (2, 2)


@pytest.mark.parametrize("name", ["foo", "txt", "_private"])
def test_a_new_attribute_on_a_qt_object_is_an_error(qt, name):
    with pytest.raises(AttributeError, match="creating new attributes on C\\+\\+ objects is not allowed"):
        setattr(qt.QLabel(), name, 1)


def test_an_unknown_attribute_cannot_be_read(qt):
    with pytest.raises(AttributeError, match="txt"):
        _ = qt.QLabel().txt


def test_a_new_attribute_on_a_value_is_an_error(qt):
    with pytest.raises(AttributeError):
        qt.QSize().area = 1


def test_a_read_only_property_is_not_assigned(qt):
    with pytest.raises(AttributeError, match="not writable"):
        qt.QComboBox().count = 3


def test_a_python_subclass_takes_new_attributes(qt):
    class Lesions(qt.QLabel):
        pass

    lesions = Lesions()
    lesions.count = 3
    assert lesions.count == 3


def test_a_method_of_qt_is_not_overwritten(qt):
    class Panel(qt.QWidget):
        pass

    with pytest.raises(AttributeError, match="Slot 'layout' can not be overwritten"):
        Panel().layout = 5


@pytest.mark.parametrize(("given", "text"), [(5, "5"), (b"a", "b'a'"), (None, "None"), (1.5, "1.5")])
def test_text_is_converted_by_str(qt, given, text):
    assigned, called = qt.QLabel(), qt.QLabel()
    assigned.text = given
    called.setText(given)
    assert (assigned.text, called.text) == (text, text)


def test_numbers_are_converted(qt):
    numpy = pytest.importorskip("numpy")
    box = qt.QSpinBox()
    box.value = 3.7
    assert box.value == 3
    box.value = numpy.float32(4.2)
    assert box.value == 4


def test_truth_is_converted(qt):
    box = qt.QCheckBox()
    box.checked = 1
    box.setEnabled([])
    box.setVisible(None)
    assert (box.checked, box.enabled, box.visible) == (True, False, False)


def test_keywords_are_refused(qt):
    for call in (lambda: qt.QLabel(text="a"), lambda: qt.QLabel().setText(text="a")):
        with pytest.raises(ValueError, match="called slot does not support kwargs"):
            call()


def test_the_type_of_a_setting_is_no_keyword(qt):
    with pytest.raises(ValueError, match="type"):
        qt.QSettings().value("b", False, type=bool)


@pytest.mark.parametrize("args", [(), (1, 2), ("a", "b", "c")])
def test_a_wrong_number_of_arguments_is_a_value_error(qt, args):
    with pytest.raises(ValueError, match="setText"):
        qt.QLabel().setText(*args)


def test_a_wrong_type_is_a_value_error(qt):
    with pytest.raises(ValueError, match="addWidget"):
        qt.QVBoxLayout().addWidget(5)


def test_too_large_a_number_is_a_value_error(qt):
    with pytest.raises(ValueError, match="setValue"):
        qt.QSpinBox().setValue(2**40)


def test_text_and_parent_are_given_by_position(qt):
    parent = qt.QWidget()
    assert qt.QLabel("x", parent).parent() is parent


def test_a_name_that_slicers_qt_lacks_is_an_error(qt):
    for name in ("QRegExp", "qApp", "QMutexLocker", "QTreeWidgetItemIterator", "QLable"):
        with pytest.raises(AttributeError, match=name):
            getattr(qt, name)
