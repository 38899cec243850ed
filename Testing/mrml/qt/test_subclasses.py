"""PYTHONQT.md section 8: Qt's classes subclassed in Python."""

import pytest


@pytest.fixture
def drawn(qt):
    """Return the widget's picture."""

    def draw(widget):
        widget.resize(20, 20)
        return widget.grab().toImage()

    return draw


def test_a_widget_paints_itself(qt, drawn):
    class Red(qt.QWidget):
        def paintEvent(self, event):
            painter = qt.QPainter(self)
            painter.fillRect(self.rect, qt.QColor("red"))
            painter.end()

    assert drawn(Red()).pixelColor(10, 10).name() == "#ff0000"


def test_an_override_calls_its_base_both_ways(qt, drawn, received):
    class Both(qt.QDialog):
        def resizeEvent(self, event):
            super().resizeEvent(event)
            qt.QDialog.resizeEvent(self, event)
            received.append((event.size().width(), event.type() == qt.QEvent.Resize))

    drawn(Both())
    assert received[-1] == (20, True)


def test_a_size_hint_is_overridden(qt):
    class Wide(qt.QWidget):
        def sizeHint(self):
            return qt.QSize(77, 5)

    box = qt.QWidget()
    layout = qt.QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(Wide())
    assert box.sizeHint.width() == 77


def test_events_are_filtered(qt, received):
    class Filter(qt.QObject):
        def eventFilter(self, watched, event):
            received.append(event.type())
            if event.type() == qt.QEvent.Close:
                event.ignore()
                return True
            return False

    widget, filter_ = qt.QWidget(), Filter()
    widget.installEventFilter(filter_)
    widget.show()
    assert widget.close() is False
    assert {qt.QEvent.Show, qt.QEvent.Close} <= set(received)
    widget.removeEventFilter(filter_)


def test_keys_and_mouse_reach_python(qt, received):
    class Keys(qt.QWidget):
        def keyPressEvent(self, event):
            received.append(event.key())

        def mousePressEvent(self, event):
            received.append(event.button())

    widget = Keys()
    press = qt.QKeyEvent(qt.QEvent.KeyPress, qt.Qt.Key_N, qt.Qt.NoModifier)
    qt.QApplication.sendEvent(widget, press)
    assert received == [qt.Qt.Key_N]


def test_an_exception_in_an_override_is_a_fault_and_qt_goes_on(qt, drawn, faults):
    class Broken(qt.QWidget):
        def resizeEvent(self, event):
            raise KeyError("resize")

    with faults.expected("KeyError: 'resize'"):
        assert not drawn(Broken()).isNull()


def test_an_exception_in_an_override_reaches_its_python_caller(qt):
    class Broken(qt.QWidget):
        def closeEvent(self, event):
            raise KeyError("close")

    with pytest.raises(KeyError):
        Broken().closeEvent(None)


@pytest.fixture
def a_model(qt):
    class Studies(qt.QAbstractTableModel):
        def __init__(self, rows, parent=None):
            super().__init__(parent)
            self._rows = rows

        def rowCount(self, parent=None):
            return len(self._rows)

        def columnCount(self, parent=None):
            return 2

        def data(self, index, role=0):
            return self._rows[index.row()][index.column()] if role == qt.Qt.DisplayRole else None

        def headerData(self, section, orientation, role=0):
            return ("date", "state")[section] if role == qt.Qt.DisplayRole else None

        def fill(self, rows):
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    return Studies([("2025-01-10", "normal"), ("2025-03-02", "abnormal")])


def test_a_table_model_is_written_in_python(qt, a_model):
    view = qt.QTableView()
    view.setModel(a_model)
    assert view.model().index(1, 1).data() == "abnormal"
    assert view.model().headerData(0, qt.Qt.Horizontal) == "date"
    a_model.fill([])
    assert view.model().rowCount() == 0


def test_a_proxy_filters_in_python_and_has_its_source_as_property(qt, a_model):
    class Abnormal(qt.QSortFilterProxyModel):
        def filterAcceptsRow(self, row, parent):
            return self.sourceModel.index(row, 1).data() == "abnormal"

    proxy = Abnormal()
    proxy.setSourceModel(a_model)
    assert proxy.rowCount() == 1
    assert proxy.sourceModel is a_model


def test_a_source_model_that_is_called_is_a_fault_for_every_row(qt, a_model, faults):
    class Wrong(qt.QSortFilterProxyModel):
        def filterAcceptsRow(self, row, parent):
            return self.sourceModel().index(row, 1).data() == "abnormal"

    proxy = Wrong()
    proxy.setSourceModel(a_model)
    with faults.expected("not callable"):
        proxy.rowCount()


def test_a_delegate_paints_and_measures_cells(qt, a_model, received):
    class Progress(qt.QStyledItemDelegate):
        def sizeHint(self, option, index):
            return qt.QSize(40, 31)

        def paint(self, painter, option, index):
            received.append(index.data())
            super().paint(painter, option, index)

    view, delegate = qt.QTableView(), Progress()
    view.setModel(a_model)
    view.setItemDelegate(delegate)
    view.showGrid = False
    view.resizeRowsToContents()
    view.grab()
    assert view.rowHeight(0) == 31
    assert "normal" in received


def test_sorting_a_table_does_not_ask_python(qt):
    class Number(qt.QTableWidgetItem):
        def __lt__(self, other):
            return float(self.text()) < float(other.text())

    table = qt.QTableWidget(3, 1)
    for row, text in enumerate(("9", "10", "100")):
        table.setItem(row, 0, Number(text))
    table.sortItems(0)
    assert [table.item(row, 0).text() for row in range(3)] == ["10", "100", "9"]


def test_a_validator_that_answers_with_a_tuple_is_a_fault(qt, faults):
    class Weight(qt.QValidator):
        def validate(self, text, position):
            return (qt.QValidator.Acceptable, text, position)

    edit, weight = qt.QLineEdit(), Weight()
    edit.setValidator(weight)
    with faults.expected("does not take a tuple"):
        edit.insert("7")


def test_a_missing_init_of_the_base_is_a_destroyed_object(qt):
    class Forgetful(qt.QWidget):
        def __init__(self):
            pass

    with pytest.raises(ValueError, match="destroyed"):
        Forgetful().show()


def test_mixins_stand_before_and_after(qt):
    class Named:
        def named(self):
            return self.objectName

    class Before(Named, qt.QWidget):
        def __init__(self, parent=None):
            qt.QWidget.__init__(self, parent)
            self.objectName = "before"

    class After(qt.QWidget, Named):
        def __init__(self, parent=None):
            super().__init__(parent)
            self.objectName = "after"

    assert (Before().named(), After().named()) == ("before", "after")
