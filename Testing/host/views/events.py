"""Mouse, wheel and key events to a widget, as a user's hand sends them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6 import QtTest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from Testing.host.qt_shim import install
from Testing.host.qt_shim.patching import patch_module
from Testing.host.views.offscreen import MODIFIERS

install()
patch_module(QtTest)

BUTTONS = {
    "left": Qt.MouseButton.LeftButton,
    "middle": Qt.MouseButton.MiddleButton,
    "right": Qt.MouseButton.RightButton,
}
NOTCH = 120  # eighths of a degree of one wheel step
Position = tuple[int, int]


def _modifiers(names: Iterable[str]) -> Qt.KeyboardModifier:
    return Qt.KeyboardModifier(sum(MODIFIERS[name] for name in names))


def _target(widget: QWidget, at: Position | None) -> tuple[QWidget, QPointF]:
    """Return the innermost widget under the position and the position in it; the middle when none is given."""
    view = widget.viewWidget() if hasattr(widget, "viewWidget") else widget
    point = view.rect.center() if at is None else QPoint(*at)
    child = view.childAt(point)
    return (view, QPointF(point)) if child is None else (child, QPointF(child.mapFrom(view, point)))


def _mouse(kind: QEvent.Type, widget: QWidget, at: Position | None, button, held, modifiers: Iterable[str]) -> None:
    target, point = _target(widget, at)
    event = QMouseEvent(kind, point, QPointF(target.mapToGlobal(point)), button, held, _modifiers(modifiers))
    QApplication.sendEvent(target, event)


def enter(widget: QWidget, at: Position | None = None) -> None:
    """Bring the pointer over the widget; views ignore it before."""
    target, point = _target(widget, at)
    QApplication.sendEvent(target, QEnterEvent(point, point, QPointF(target.mapToGlobal(point))))


def move(widget: QWidget, at: Position | None = None, *, modifiers: Iterable[str] = ()) -> None:
    """Move the pointer with no button down; positions are x from the left and y from the top of the view."""
    enter(widget, at)
    none = Qt.MouseButton.NoButton
    _mouse(QEvent.Type.MouseMove, widget, at, none, none, modifiers)


def click(widget: QWidget, at: Position | None = None, *, button: str = "left", modifiers: Iterable[str] = ()) -> None:
    """Move there, press and release."""
    drag(widget, [at], button=button, modifiers=modifiers)


def double_click(widget: QWidget, at: Position | None = None, *, button: str = "left") -> None:
    """Click twice, the second press being the one that Qt calls a double click."""
    click(widget, at, button=button)
    pressed = BUTTONS[button]
    _mouse(QEvent.Type.MouseButtonDblClick, widget, at, pressed, pressed, ())
    _mouse(QEvent.Type.MouseButtonRelease, widget, at, pressed, Qt.MouseButton.NoButton, ())


def drag(
    widget: QWidget, path: Iterable[Position | None], *, button: str = "left", modifiers: Iterable[str] = ()
) -> None:
    """Press at the first position, move through the others and release at the last."""
    pressed, none = BUTTONS[button], Qt.MouseButton.NoButton
    path = list(path)
    move(widget, path[0], modifiers=modifiers)
    _mouse(QEvent.Type.MouseButtonPress, widget, path[0], pressed, pressed, modifiers)
    for at in path[1:]:
        _mouse(QEvent.Type.MouseMove, widget, at, none, pressed, modifiers)
    _mouse(QEvent.Type.MouseButtonRelease, widget, path[-1], pressed, none, modifiers)


def wheel(widget: QWidget, n_steps: int = 1, *, at: Position | None = None, modifiers: Iterable[str] = ()) -> None:
    """Turn the wheel by so many steps, away from the user when positive."""
    move(widget, at)
    for _ in range(abs(n_steps)):
        target, point = _target(widget, at)
        event = QWheelEvent(
            point,
            QPointF(target.mapToGlobal(point)),
            QPoint(),
            QPoint(0, NOTCH if n_steps > 0 else -NOTCH),
            Qt.MouseButton.NoButton,
            _modifiers(modifiers),
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, event)


def press_key(widget: QWidget, key: str, *, modifiers: Iterable[str] = ()) -> None:
    """Press and release a key such as ``n``, ``Del`` or ``F5``; shortcuts of the window hear it too."""
    view = widget.viewWidget() if hasattr(widget, "viewWidget") else widget
    code = QKeySequence(key)[0].key()
    QtTest.QTest.keyClick(view, code, _modifiers(modifiers))
