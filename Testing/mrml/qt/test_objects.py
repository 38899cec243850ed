"""PYTHONQT.md section 4: tuples, truth, identity and classes of objects."""

import copy
import gc

import pytest


@pytest.fixture
def a_panel(qt):
    panel = qt.QWidget()
    layout = qt.QVBoxLayout(panel)
    for name in ("first", "second"):
        label = qt.QLabel(name)
        label.objectName = name
        layout.addWidget(label)
    return panel


def test_lists_come_as_tuples(qt, a_panel):
    table = qt.QTableWidget(1, 1)
    for found in (
        a_panel.children(),
        a_panel.findChildren(qt.QLabel),
        table.selectedItems(),
        qt.QDir.root().entryList(),
        qt.QSplitter().sizes(),
        qt.QMimeData().urls(),
    ):
        assert type(found) is tuple


def test_a_list_in_an_item_comes_as_a_tuple(qt):
    item = qt.QStandardItem()
    item.setData(["a", "b"], qt.Qt.UserRole)
    assert item.data(qt.Qt.UserRole) == ("a", "b")


def test_a_layout_is_false(a_panel):
    assert not a_panel.layout()
    assert a_panel.layout() is not None


def test_empty_values_are_false(qt):
    assert not any(map(bool, (qt.QUrl(), qt.QSize(), qt.QColor(), qt.QMenu(), qt.QByteArray(), qt.QPixmap())))
    assert all(map(bool, (qt.QUrl("a"), qt.QSize(1, 1), qt.QColor("red"), qt.QByteArray(b"a"), qt.QPixmap(1, 1))))


def test_a_widget_is_true_until_it_is_deleted(qt):
    label = qt.QLabel("x")
    assert label
    label.delete()
    assert not label


def test_a_deleted_object_is_named_in_a_value_error(qt):
    label = qt.QLabel("x")
    label.delete()
    for use in (lambda: label.text, lambda: label.setText("y"), lambda: label.linkActivated.connect(print)):
        with pytest.raises(ValueError, match="destroyed QLabel object"):
            use()


def test_only_the_exact_class_is_an_instance(qt):
    label, button = qt.QLabel(), qt.QPushButton()
    assert isinstance(label, qt.QLabel)
    assert not isinstance(label, qt.QWidget)
    assert not isinstance(button, qt.QAbstractButton)
    assert label.inherits("QWidget")


def test_a_python_subclass_is_an_instance_of_itself_and_its_qt_class(qt):
    class Lesion(qt.QLabel):
        pass

    lesion = Lesion()
    assert isinstance(lesion, Lesion)
    assert isinstance(lesion, qt.QLabel)
    assert not isinstance(lesion, qt.QWidget)
    assert not isinstance(qt.QLabel(), Lesion)


def test_objects_that_qt_makes_obey_the_rules(qt):
    menu, table = qt.QMenu(), qt.QTableWidget(1, 1)
    action = menu.addAction("a")
    assert action.text == "a"
    assert table.horizontalHeader().className() == "QHeaderView"
    with pytest.raises(AttributeError):
        action.txt = "b"


def test_the_class_name_is_asked_of_the_object(qt):
    assert qt.QLabel().className() == "QLabel"
    assert qt.QLabel().metaObject().className() == "QMetaObject"
    assert qt.QLabel().metaObject().getClassName() == "QLabel"


def test_identity_is_kept(a_panel):
    first = a_panel.layout().itemAt(0).widget()
    assert first.parent() is a_panel
    assert first is a_panel.children()[1]
    assert first == a_panel.children()[1]
    assert first != None  # noqa: E711
    assert hash(first) == hash(a_panel.children()[1])


def test_children_come_back_with_their_class_and_attributes(qt):
    class Lesion(qt.QLabel):
        pass

    parent = qt.QWidget()
    Lesion(parent).volume_ml = 3
    gc.collect()
    assert parent.children()[0].volume_ml == 3


def test_a_child_is_found_by_class_and_name(qt, a_panel):
    assert a_panel.findChild(qt.QLabel, "second").text == "second"
    assert a_panel.findChild(qt.QLabel).text == "first"
    assert a_panel.findChild("QLabel").text == "first"
    assert [child.text for child in a_panel.findChildren("QLabel")] == ["first", "second"]
    assert a_panel.findChild(qt.QWidget).text == "first"
    assert a_panel.findChild(qt.QLabel, "third") is None


def test_a_colour_is_not_copied(qt):
    with pytest.raises(TypeError):
        copy.copy(qt.QColor("red"))


def test_an_item_belongs_to_its_table(qt):
    table = qt.QTableWidget(1, 1)
    item = qt.QTableWidgetItem("x")
    table.setItem(0, 0, item)
    table.clear()
    with pytest.raises(ValueError, match="destroyed QTableWidgetItem"):
        item.text()


def test_nothing_and_truth_outlive_many_calls(qt):
    label = qt.QLabel()
    for number in range(30000):
        label.setEnabled(bool(number % 2))
    assert label.enabled is True


def test_an_object_held_by_a_local_only_goes_with_it(qt):
    gone = []
    label = qt.QLabel()
    label.destroyed.connect(lambda *_: gone.append("label"))
    del label
    gc.collect()
    assert gone == ["label"]
