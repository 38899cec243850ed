"""Pixels and interactor events of a VTK render window that has no screen."""

from __future__ import annotations

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy


class RenderPane:
    """One offscreen render window with its interactor; knows no Qt.

    Two layers: `image_renderer` (0) below `overlay_renderer` (1), as ctkVTKSliceView stacks them; a 3D view or a
    chart uses the first one only.
    """

    def __init__(self, *, n_layers: int = 1) -> None:
        self.needs_render = True
        self.n_renders = 0
        self.n_pauses = 0
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetShowWindow(False)
        self.window.SetMultiSamples(0)
        self.window.SetNumberOfLayers(n_layers)
        self.renderers = []
        for layer in range(n_layers):
            renderer = vtk.vtkRenderer()
            renderer.SetLayer(layer)
            self.window.AddRenderer(renderer)
            self.renderers.append(renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        # Slicer's styles need one beside them, and VTK's default starts joystick timers that nobody serves here.
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())

    def initialize(self) -> None:
        """Let the interactor accept events; without this it drops them and says nothing."""
        self.interactor.Initialize()

    def finalize(self) -> None:
        """Free the window; observers are Python callables that would keep everything alive in a circle."""
        self.interactor.RemoveAllObservers()
        self.window.RemoveAllObservers()
        self.window.Finalize()

    def render(self) -> None:
        self.needs_render = False
        self.window.Render()

    @property
    def size(self) -> tuple[int, int]:
        return self.window.GetSize()

    def resize(self, width: int, height: int) -> None:
        self.window.SetSize(width, height)
        self.interactor.UpdateSize(width, height)
        self.interactor.InvokeEvent("ConfigureEvent")

    def pixels(self) -> np.ndarray:
        """Return what was rendered last: (row from the top, column, RGBA) uint8."""
        width, height = self.size
        buffer = vtk.vtkUnsignedCharArray()
        self.window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, buffer)
        pixels = vtk_to_numpy(buffer).reshape(height, width, 4)[::-1].copy()
        pixels[:, :, 3] = 255
        return pixels

    def send(
        self, name: str, x: int, y: int, *, ctrl: bool = False, shift: bool = False, alt: bool = False, repeat: int = 0
    ) -> None:
        """Invoke a mouse event; x from the left, y from the top of the widget."""
        self.interactor.SetEventInformation(x, self.size[1] - 1 - y, int(ctrl), int(shift), "\0", repeat)
        self.interactor.SetAltKey(int(alt))
        self.interactor.InvokeEvent(name)

    def send_key(self, name: str, symbol: str, character: str, *, ctrl: bool, shift: bool, alt: bool) -> None:
        """Invoke a key event at the last pointer position."""
        self.interactor.SetKeyEventInformation(int(ctrl), int(shift), character or "\0", 0, symbol)
        self.interactor.SetAltKey(int(alt))
        self.interactor.InvokeEvent(name)
