"""Slice, 3D, plot and table views that render without a screen, and the layout manager that arranges them."""
