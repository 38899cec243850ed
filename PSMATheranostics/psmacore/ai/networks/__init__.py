"""Architectures by name to PyTorch networks."""
