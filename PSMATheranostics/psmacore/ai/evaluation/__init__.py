"""Predictions and truth to the figures that the source documents and their challenges state."""
