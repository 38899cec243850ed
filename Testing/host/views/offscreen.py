"""Qt paint, resize, mouse and key events of a widget to an offscreen VTK render window."""

from __future__ import annotations

from PySide6 import QtCore, QtGui

from Testing.host.qt_shim import qt_class
from Testing.host.views.pane import RenderPane

_BUTTONS = {
    QtCore.Qt.MouseButton.LeftButton: "LeftButton",
    QtCore.Qt.MouseButton.MiddleButton: "MiddleButton",
    QtCore.Qt.MouseButton.RightButton: "RightButton",
}
# Bits of Qt::KeyboardModifier.
MODIFIERS = {"shift": 0x02000000, "ctrl": 0x04000000, "alt": 0x08000000}
_KEYS = {
    QtCore.Qt.Key.Key_Left: "Left",
    QtCore.Qt.Key.Key_Right: "Right",
    QtCore.Qt.Key.Key_Up: "Up",
    QtCore.Qt.Key.Key_Down: "Down",
    QtCore.Qt.Key.Key_Escape: "Escape",
    QtCore.Qt.Key.Key_Delete: "Delete",
    QtCore.Qt.Key.Key_Backspace: "BackSpace",
    QtCore.Qt.Key.Key_Return: "Return",
    QtCore.Qt.Key.Key_Space: "space",
    QtCore.Qt.Key.Key_Tab: "Tab",
    QtCore.Qt.Key.Key_Shift: "Shift_L",
    QtCore.Qt.Key.Key_Control: "Control_L",
}


def modifier_flags(event: QtGui.QInputEvent) -> dict[str, bool]:
    """Which of ctrl, shift and alt were held during the event."""
    held = int(event.modifiers())
    return {name: bool(held & bit) for name, bit in MODIFIERS.items()}


class OffscreenWidget(qt_class("QWidget")):
    """Shows `_pane` and hands it what the user does; renders when painted, so a hidden view costs nothing."""

    def __init__(self, parent=None, *, n_layers: int = 1) -> None:
        super().__init__(parent)
        self._pane = RenderPane(n_layers=n_layers)
        self._image: QtGui.QImage | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(32, 32)
        # A module may call renderWindow().Render() itself: what is shown must follow.
        self._pane.window.AddObserver("EndEvent", self._on_rendered)

    def _schedule(self) -> None:
        if not self._pane.needs_render:
            self._pane.needs_render = True
            self.update()

    def _pause(self, is_paused: bool) -> int:
        pane = self._pane
        pane.n_pauses = max(0, pane.n_pauses + (1 if is_paused else -1))
        if not pane.n_pauses and pane.needs_render:
            self.update()
        return pane.n_pauses

    def _on_rendered(self, *_args) -> None:
        self._pane.n_renders += 1
        self._image = None
        self.update()

    def _detach(self) -> None:
        """Let go of what VTK and MRML hold of this widget, so that both can go."""
        self._pane.finalize()

    def _on_resized(self, width: int, height: int) -> None:
        """What a kind of view does with its new size."""

    def paintEvent(self, event) -> None:
        if self._pane.needs_render and not self._pane.n_pauses:
            self._pane.render()
        if self._image is None and self._pane.n_renders:
            pixels = self._pane.pixels()
            height, width = pixels.shape[:2]
            image = QtGui.QImage(pixels.data, width, height, 4 * width, QtGui.QImage.Format.Format_RGBA8888)
            self._image = image.convertToFormat(QtGui.QImage.Format.Format_RGB32)  # a copy that owns its bytes
        painter = QtGui.QPainter(self)
        if self._image is not None:
            painter.drawImage(0, 0, self._image)
        painter.end()

    def resizeEvent(self, event) -> None:
        width, height = max(1, event.size().width()), max(1, event.size().height())
        self._pane.resize(width, height)
        self._on_resized(width, height)
        self._schedule()

    def _send(self, name: str, event, repeat: int = 0) -> None:
        at = event.position()
        self._pane.send(name, int(at.x()), int(at.y()), repeat=repeat, **modifier_flags(event))

    def mousePressEvent(self, event) -> None:
        self._send(f"{_BUTTONS[event.button()]}PressEvent", event)

    def mouseReleaseEvent(self, event) -> None:
        self._send(f"{_BUTTONS[event.button()]}ReleaseEvent", event)

    def mouseDoubleClickEvent(self, event) -> None:
        # QVTKInteractorAdapter sends the press as well.
        self._send(f"{_BUTTONS[event.button()]}PressEvent", event, 1)
        self._send(f"{_BUTTONS[event.button()]}DoubleClickEvent", event, 1)

    def mouseMoveEvent(self, event) -> None:
        self._send("MouseMoveEvent", event)

    def wheelEvent(self, event) -> None:
        delta = event.angleDelta().y()
        if delta:
            self._send(f"MouseWheel{'Forward' if delta > 0 else 'Backward'}Event", event)

    def enterEvent(self, event) -> None:
        self._send("EnterEvent", event)

    def leaveEvent(self, event) -> None:
        self._pane.interactor.InvokeEvent("LeaveEvent")

    def _send_key(self, event, *names: str) -> None:
        symbol = _KEYS.get(event.key()) or event.text() or QtGui.QKeySequence(event.key()).toString().lower()
        for name in names:
            self._pane.send_key(name, symbol, event.text()[:1], **modifier_flags(event))

    def keyPressEvent(self, event) -> None:
        self._send_key(event, "KeyPressEvent", *(["CharEvent"] if event.text() else []))

    def keyReleaseEvent(self, event) -> None:
        self._send_key(event, "KeyReleaseEvent")
