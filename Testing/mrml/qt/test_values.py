"""PYTHONQT.md section 9: value classes, settings, actions, and what PythonQt has not."""

import pytest


def test_a_url_has_its_parts(qt):
    url = qt.QUrl("file:///data")
    assert url.toString() == str(url) == "file:///data"
    assert (url.toLocalFile(), url.scheme()) == ("/data", "file")
    assert url == qt.QUrl("file:///data")


def test_colours_dates_and_files(qt, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"hi")
    assert qt.QColor.fromRgbF(1, 0, 0) == qt.QColor("red")
    assert qt.QDate(2025, 1, 10).isValid()
    assert qt.QDate(2025, 1, 10).toString("yyyy-MM-dd") == "2025-01-10"
    assert qt.QFileInfo(str(tmp_path / "a.txt")).exists()
    assert qt.QFileInfo.exists(str(tmp_path / "a.txt"))
    file = qt.QFile(str(tmp_path / "a.txt"))
    assert file.open(qt.QIODevice.ReadOnly)
    assert file.readAll().data() == b"hi"
    file.close()


def test_a_key_sequence_is_made_of_a_string(qt):
    assert qt.QKeySequence("Ctrl+K").toString() == "Ctrl+K"


def test_a_picture_is_grabbed_and_saved(qt, tmp_path):
    assert qt.QLabel("x").grab().save(str(tmp_path / "label.png"))
    pixmap = qt.QPixmap()
    assert pixmap.loadFromData((tmp_path / "label.png").read_bytes())


def test_an_action_has_properties(qt):
    widget = qt.QWidget()
    action = qt.QAction("x", widget)
    action.checkable, action.checked = True, True
    action.shortcut = qt.QKeySequence("Ctrl+K")
    assert (action.text, action.checked, action.shortcut.toString()) == ("x", True, "Ctrl+K")


def test_a_shortcut_takes_its_key_by_assignment(qt):
    widget = qt.QWidget()
    shortcut = qt.QShortcut(widget)
    shortcut.key = qt.QKeySequence("Ctrl+K")
    assert shortcut.key.toString() == "Ctrl+K"


def test_a_panel_is_read_from_a_ui_file(qt, tmp_path):
    path = tmp_path / "panel.ui"
    label = '<widget class="QLabel" name="l"><property name="text"><string>t</string></property></widget>'
    path.write_text(f'<ui version="4.0"><widget class="QWidget" name="w">{label}</widget></ui>')
    file = qt.QFile(str(path))
    file.open(qt.QIODevice.ReadOnly)
    panel = qt.QUiLoader().load(file)
    assert panel.findChild("QLabel", "l").text == "t"
    assert not hasattr(panel, "l")
    file.close()


@pytest.mark.parametrize("value", [5, True, 1.5, "a", ("a", "b")])
def test_settings_keep_the_type_while_they_live(qt, value):
    settings = qt.QSettings()
    settings.setValue("host/value", value)
    assert settings.value("host/value") == value
    assert type(settings.value("host/value")) is type(value)
    settings.remove("host")


def test_settings_from_a_file_are_strings_and_tuples(qt, tmp_path):
    path = tmp_path / "a.ini"
    path.write_text("[General]\na=5\nb=true\nc=x, y\n")
    settings = qt.QSettings(str(path), qt.QSettings.IniFormat)
    assert [settings.value(name) for name in "abc"] == ["5", "true", ("x", "y")]
    assert settings.value("d", 7) == 7


def test_settings_are_those_of_the_host(qt):
    assert "host-settings" in qt.QSettings().fileName()


@pytest.mark.parametrize(("kind", "name"), [("QDateTime", "toPython"), ("QColor", "getRgb"), ("QSize", "toTuple")])
def test_what_only_pyside_has_is_missing(qt, kind, name):
    assert not hasattr(getattr(qt, kind), name)


@pytest.mark.parametrize(
    "call",
    [
        "qt.QShortcut('Ctrl+K', qt.QWidget())",
        "qt.QPushButton().setIconSize((16, 16))",
        "qt.QImage(bytes(16), 2, 2, 8, qt.QImage.Format_RGB32)",
        "qt.QTextBrowser().setSource('qrc:/x')",
    ],
)
def test_implicit_conversions_are_refused(qt, call):
    with pytest.raises(ValueError, match=r"setIconSize|setSource|QShortcut|QImage"):
        eval(call, {"qt": qt})


def test_conversions_that_slicer_makes_stay(qt):
    box = qt.QComboBox()
    box.addItems(["a", 5])
    assert box.itemText(1) == "5"
    palette = qt.QPalette()
    palette.setColor(qt.QPalette.Window, qt.Qt.red)
    assert palette.color(qt.QPalette.Window).name() == "#ff0000"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("qt.QStandardPaths.writableLocation(qt.QStandardPaths.TempLocation) != ''", True),
        ("qt.QRegularExpression('(a+)').match('baa').captured(1)", "aa"),
        ("qt.QUrlQuery('a=1&b=2').queryItemValue('b')", "2"),
        ("qt.QJsonDocument.fromJson(b'[1]').isArray()", True),
        ("qt.QRect(1, 2, 3, 4).center().x()", 2),
        ("qt.QFont('Sans', 12).pointSize()", 12),
        ("qt.QTemporaryDir().isValid()", True),
        ("qt.QDateTime.fromString('2025-01-10', 'yyyy-MM-dd').date().year()", 2025),
    ],
)
def test_other_values_work(qt, made, told):
    assert eval(made, {"qt": qt}) == told


@pytest.mark.parametrize(
    "name", ["QUiLoader", "QSvgRenderer", "QDomDocument", "QPrinter", "QSqlDatabase", "QTcpServer"]
)
def test_names_of_other_qt_modules_are_there(qt, name):
    assert getattr(qt, name).__name__ == name
