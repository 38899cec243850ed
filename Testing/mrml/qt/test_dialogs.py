"""PYTHONQT.md section 7: dialogs answer with the value alone."""

import pytest


@pytest.fixture
def answering(qt):
    """Do something to the modal dialog that comes next."""

    def answer(act):
        qt.QTimer.singleShot(0, lambda: act(qt.QApplication.activeModalWidget()))

    return answer


def test_a_question_answers_with_the_button(qt, answering):
    answering(lambda box: box.button(qt.QMessageBox.No).click())
    buttons = qt.QMessageBox.Yes | qt.QMessageBox.No
    assert qt.QMessageBox.question(None, "t", "m", buttons) == qt.QMessageBox.No


def test_a_message_box_is_made_of_properties(qt, answering):
    box = qt.QMessageBox()
    box.text, box.informativeText, box.detailedText = "a", "b", "c"
    box.icon = qt.QMessageBox.Warning
    box.standardButtons = qt.QMessageBox.Ok | qt.QMessageBox.Cancel
    go = box.addButton("Go", qt.QMessageBox.AcceptRole)
    answering(lambda _: go.click())
    box.exec()
    assert box.clickedButton() == go
    answering(lambda _: box.button(qt.QMessageBox.Ok).click())
    assert box.exec() == qt.QMessageBox.Ok


@pytest.mark.parametrize(("function", "name"), [("getOpenFileName", "a.txt"), ("getSaveFileName", "b.txt")])
def test_a_file_dialog_answers_with_the_path(qt, answering, tmp_path, function, name):
    (tmp_path / "a.txt").touch()

    def choose(dialog):
        dialog.selectFile(name)
        dialog.accept()

    answering(choose)
    options = qt.QFileDialog.DontUseNativeDialog
    ask = getattr(qt.QFileDialog, function)
    assert ask(None, "t", str(tmp_path), "*.txt", None, options) == str(tmp_path / name)


def test_several_files_come_as_a_tuple(qt, answering, tmp_path):
    answering(lambda dialog: dialog.reject())
    options = qt.QFileDialog.DontUseNativeDialog
    assert qt.QFileDialog.getOpenFileNames(None, "t", str(tmp_path), "*", None, options) == ()


def test_a_folder_is_a_string(qt, answering, tmp_path):
    answering(lambda dialog: dialog.reject())
    assert qt.QFileDialog.getExistingDirectory(None, "t", str(tmp_path), qt.QFileDialog.DontUseNativeDialog) == ""


@pytest.mark.parametrize(
    ("function", "rest", "value"), [("getText", (0, "x"), "x"), ("getInt", (3,), 3), ("getItem", (["a", "b"],), "a")]
)
def test_an_input_dialog_answers_with_the_value(qt, answering, function, rest, value):
    answering(lambda dialog: dialog.accept())
    assert getattr(qt.QInputDialog, function)(None, "t", "l", *rest) == value
