"""PSMA theranostics core: studies in, measured lesions and DICOM results out.

Free of 3D Slicer, Qt and web frameworks. Arrays are ``(k, j, i)``; the world is LPS in mm.
"""

__version__ = "0.1.0"
