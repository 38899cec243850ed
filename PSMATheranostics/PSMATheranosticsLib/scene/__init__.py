"""Core types to MRML nodes and back; the scene is an argument, Qt is not known here."""
