"""Stand-ins written in Python obey the rules of wrapped C++ classes."""

import pytest

from Testing.host.qt_shim import emit, is_a, qt_class, standin


@standin(
    properties={"collapsed": bool, "contentsFrameShape": (int, 3), "buttonTextAlignment": object},
    signals=("contentsCollapsed(bool)",),
)
class ctkCollapsibleButton(qt_class("QWidget")):  # noqa: N801
    def __init__(self, *args):
        super().__init__(*args)
        self._changes = []

    @property
    def buttonTextAlignment(self):
        return 7

    def _collapsed_changed(self, is_collapsed):
        self._changes.append(is_collapsed)
        self.contentsCollapsed.emit(is_collapsed)


@standin(signals=("currentNodeChanged(vtkMRMLNode*)", "currentNodeChanged(bool)", "nodeAdded(vtkMRMLNode*)"))
class qMRMLNodeComboBox(qt_class("QWidget")):  # noqa: N801
    def setCurrentNode(self, node):
        self._node = node
        self.currentNodeChanged.emit(node)
        emit(self, "currentNodeChanged(bool)", node is not None)

    def currentNode(self):
        return self._node

    def resizeEvent(self, event):
        raise KeyError("resize")


class Selector(qMRMLNodeComboBox):
    pass


@pytest.fixture
def a_button():
    return ctkCollapsibleButton()


@pytest.fixture
def a_selector():
    return qMRMLNodeComboBox()


def test_a_property_starts_with_the_empty_value_or_its_default(a_button):
    assert (a_button.collapsed, a_button.contentsFrameShape) == (False, 3)


def test_a_property_is_converted_by_all_ways_of_assignment(a_button):
    a_button.collapsed = 1
    assert a_button.collapsed is True
    a_button.collapsed = []
    assert a_button.collapsed is False
    assert a_button.setProperty("collapsed", True)
    assert a_button.collapsed is True
    assert a_button._changes == [True, False, True]


def test_a_setter_that_slicer_does_not_wrap_is_missing(a_button):
    with pytest.raises(AttributeError, match="has no attribute 'setCollapsed'"):
        a_button.setCollapsed(True)


def test_a_property_of_the_class_itself_is_used(a_button):
    assert a_button.buttonTextAlignment == 7


def test_a_property_is_not_called(a_button):
    with pytest.raises(TypeError, match="not callable"):
        a_button.collapsed()


def test_what_qt_has_stays(a_button):
    a_button.enabled = False
    a_button.setMinimumWidth(33)
    assert (a_button.isEnabled(), a_button.minimumWidth) == (False, 33)


@pytest.mark.parametrize("name", ["colapsed", "text"])
def test_a_misspelt_property_is_an_error(a_button, name):
    with pytest.raises(AttributeError, match=name):
        setattr(a_button, name, True)


def test_a_python_subclass_of_a_standin_takes_attributes():
    selector = Selector()
    selector.lesion = 3
    assert selector.lesion == 3


def test_keywords_and_a_wrong_number_of_arguments_are_value_errors(a_selector):
    for call in (lambda: a_selector.setCurrentNode(node=1), lambda: a_selector.setCurrentNode(1, 2)):
        with pytest.raises(ValueError, match="setCurrentNode"):
            call()


def test_signals_are_connected_by_attribute_and_by_string(a_button, received):
    a_button.contentsCollapsed.connect(received.append)
    assert a_button.connect("contentsCollapsed(bool)", received.append)
    a_button.collapsed = True
    assert received == [True, True]


def test_overloads_of_types_that_qt_does_not_know_are_told_apart(a_selector, received):
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", received.append)
    a_selector.connect("currentNodeChanged(bool)", received.append)
    a_selector.setCurrentNode("node")
    assert received == ["node", True]


def test_an_unknown_signal_is_a_fault(a_selector, received, faults):
    with faults.expected("has no signal 'currentNodeChanged(int)'"):
        assert a_selector.connect("currentNodeChanged(int)", received.append) is False


def test_a_slot_is_named_by_a_string(a_selector):
    other = qMRMLNodeComboBox()
    assert a_selector.connect("currentNodeChanged(vtkMRMLNode*)", other, "setCurrentNode(vtkMRMLNode*)")
    a_selector.setCurrentNode("node")
    assert other.currentNode() == "node"


def test_a_slot_with_fewer_arguments_is_not_called(qt, a_selector, faults):
    button = qt.QPushButton()
    button.clicked.connect(a_selector.currentNode)
    with faults.expected("currentNode() with wrong number of arguments: (False,)"):
        button.click()


def test_a_method_of_a_python_class_is_no_slot_for_strings(qt, faults):
    class Panel(qt.QWidget):
        def onClicked(self):
            pass

    with faults.expected("has no slot 'onClicked()'"):
        assert qt.QPushButton().connect("clicked()", Panel(), "onClicked()") is False


def test_blocked_signals_do_not_come(a_button, received):
    a_button.contentsCollapsed.connect(received.append)
    a_button.blockSignals(True)
    a_button.collapsed = True
    assert received == []


def test_a_failing_override_is_a_fault(a_selector, faults):
    a_selector.resize(30, 30)
    with faults.expected("KeyError: 'resize'"):
        a_selector.grab()


def test_a_standin_is_an_instance_of_its_class_only(qt, a_button):
    assert isinstance(a_button, ctkCollapsibleButton)
    assert not isinstance(a_button, qt.QWidget)
    assert is_a(a_button, qt.QWidget)
    assert (a_button.className(), a_button.inherits("ctkCollapsibleButton")) == ("ctkCollapsibleButton", True)


def test_a_standin_is_found_by_the_name_of_its_class(qt):
    parent = qt.QWidget()
    child = ctkCollapsibleButton(parent)
    assert parent.findChild("ctkCollapsibleButton") is child


@pytest.mark.parametrize(
    "more",
    [
        {"properties": {"colapsed": bool}},
        {"signals": ("contentsColapsed(bool)",)},
        {"signals": ("contentsCollapsed(int)",)},
    ],
    ids=["property", "signal", "argument"],
)
def test_a_name_that_slicer_lacks_cannot_be_declared(more):
    with pytest.raises(AttributeError, match="Slicer's ctkCollapsibleButton has no"):
        standin(name="ctkCollapsibleButton", **more)(type("Typo", (qt_class("QWidget"),), {}))


def test_a_method_that_slicer_lacks_cannot_be_declared():
    with pytest.raises(AttributeError, match="colapse"):
        standin(name="ctkCollapsibleButton")(type("Typo", (qt_class("QWidget"),), {"colapse": lambda self: None}))
