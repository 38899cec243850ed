"""What a node selector lists and which node is its current one."""

from __future__ import annotations

from typing import Any

import pytest
import qt

from Testing.host.start import Host

VOLUME = "vtkMRMLScalarVolumeNode"


@pytest.fixture
def a_selector(host: Host) -> Any:
    """A selector of scalar volumes that knows the scene."""
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.setMRMLScene(slicer.mrmlScene)
    return selector


@pytest.fixture
def told(a_selector: Any) -> list[Any]:
    """What the selector's three signals of change told, in order."""
    told: list[Any] = []
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: told.append(node and node.GetName()))
    a_selector.connect("currentNodeChanged(bool)", told.append)
    a_selector.connect("currentNodeIDChanged(QString)", told.append)
    return told


def volume(host: Host, name: str) -> Any:
    return host.scene.AddNewNodeByClass(VOLUME, name)


def test_without_a_scene_a_selector_is_disabled_and_empty(host: Host) -> None:
    import slicer

    volume(host, "PET")
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    assert (selector.enabled, selector.nodeCount(), selector.currentNode()) == (False, 0, None)


def test_node_types_read_back_as_a_tuple(a_selector: Any) -> None:
    assert a_selector.nodeTypes == (VOLUME,)


def test_a_node_that_comes_later_is_listed_but_not_chosen(host: Host, a_selector: Any, told: list[Any]) -> None:
    volume(host, "PET")
    assert (a_selector.nodeCount(), a_selector.currentNode(), told) == (1, None, [])


def test_the_first_node_of_a_scene_is_chosen_where_none_is_no_choice(host: Host) -> None:
    import slicer

    pet = volume(host, "PET")
    volume(host, "CT")
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.setMRMLScene(host.scene)
    assert selector.currentNode() is pet


def test_none_is_chosen_where_it_is_a_choice(host: Host) -> None:
    import slicer

    volume(host, "PET")
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.noneEnabled = True
    selector.setMRMLScene(host.scene)
    assert selector.currentNode() is None


def test_a_node_asked_for_before_the_scene_is_chosen_with_it(host: Host) -> None:
    import slicer

    volume(host, "CT")
    pet = volume(host, "PET")
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.setCurrentNode(pet)
    selector.setMRMLScene(host.scene)
    assert selector.currentNode() is pet


def test_a_new_current_node_is_told_by_node_truth_and_id(host: Host, a_selector: Any, told: list[Any]) -> None:
    pet = volume(host, "PET")
    a_selector.setCurrentNode(pet)
    a_selector.setCurrentNode(pet)
    assert told == ["PET", True, pet.GetID()]


def test_a_renamed_current_node_is_told_again(host: Host, a_selector: Any, told: list[Any]) -> None:
    pet = volume(host, "PET")
    a_selector.setCurrentNodeID(pet.GetID())
    told.clear()
    pet.SetName("PSMA PET")
    assert told == ["PSMA PET", True, pet.GetID()]


def test_removing_the_current_node_chooses_its_neighbour(host: Host, a_selector: Any) -> None:
    ct, pet = volume(host, "CT"), volume(host, "PET")
    a_selector.setCurrentNode(pet)
    host.scene.RemoveNode(pet)
    assert a_selector.currentNode() is ct


def test_removing_the_current_node_chooses_none_where_it_is_a_choice(host: Host, a_selector: Any) -> None:
    pet = volume(host, "PET")
    a_selector.noneEnabled = True
    a_selector.setCurrentNode(pet)
    host.scene.RemoveNode(pet)
    assert a_selector.currentNode() is None


def test_closing_the_scene_leaves_nothing(host: Host, a_selector: Any, told: list[Any]) -> None:
    a_selector.setCurrentNode(volume(host, "PET"))
    told.clear()
    host.scene.Clear(0)
    assert (a_selector.nodeCount(), a_selector.currentNode()) == (0, None)
    assert told == [None, False, ""]


def test_subclasses_are_listed_unless_they_are_hidden(host: Host, a_selector: Any) -> None:
    host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert a_selector.nodeCount() == 1
    a_selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert a_selector.nodeCount() == 0


def test_only_nodes_with_the_attribute_are_listed(host: Host, a_selector: Any) -> None:
    pet = volume(host, "PET")
    a_selector.addAttribute(VOLUME, "PSMA.role", "pet")
    assert a_selector.nodeCount() == 0
    pet.SetAttribute("PSMA.role", "pet")
    assert a_selector.nodeFromIndex(0) is pet


def test_a_node_hidden_from_editors_is_not_listed(host: Host, a_selector: Any) -> None:
    pet = volume(host, "PET")
    a_selector.setCurrentNode(pet)
    pet.SetHideFromEditors(True)
    assert (a_selector.nodeCount(), a_selector.currentNode()) == (0, None)


def test_a_created_node_has_name_and_attribute_and_is_chosen(host: Host, a_selector: Any) -> None:
    a_selector.baseName = "PET"
    a_selector.addAttribute(VOLUME, "PSMA.role", "pet")
    made = a_selector.addNode()
    assert (made.GetName(), made.GetAttribute("PSMA.role")) == ("PET", "pet")
    assert a_selector.currentNode() is made


def test_a_node_of_a_type_that_is_not_listed_cannot_be_created(a_selector: Any) -> None:
    assert a_selector.addNode("vtkMRMLModelNode") is None


def test_the_rows_below_the_nodes_act_and_are_not_chosen(host: Host, a_selector: Any) -> None:
    pet = volume(host, "PET")
    a_selector.setCurrentNode(pet)
    rows = a_selector.findChild(qt.QComboBox)
    texts = [rows.itemText(one) for one in range(rows.count)]
    assert texts == ["PET", "", "Create new Volume", "Delete current Volume"]
    rows.view().clicked.emit(rows.model().index(3, 0))
    assert host.scene.GetNodeByID(pet.GetID() or "") is None
    assert a_selector.currentNode() is None


def test_a_selector_that_nobody_holds_follows_no_node(host: Host) -> None:
    import gc
    import weakref

    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.setMRMLScene(host.scene)
    gone = weakref.ref(selector)
    del selector
    gc.collect()
    assert gone() is None
    volume(host, "PET")  # would be a fault if anything still listened


def test_color_tables_are_listed_by_their_selector(host: Host) -> None:
    import slicer

    selector = slicer.qMRMLColorTableComboBox()
    selector.setMRMLScene(host.scene)
    grey = slicer.util.getNode("Grey")
    selector.setCurrentNode(grey)
    assert selector.currentNode() is grey
