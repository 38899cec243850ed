"""Slicer modules, unchanged, to running widgets and views without the Slicer application: real MRML on PySide6."""

import os

# Read once, when PySide6 is first imported: enumerations compare with integers as in PythonQt; no display is needed.
os.environ["PYSIDE6_OPTION_PYTHON_ENUM"] = "0x2"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
