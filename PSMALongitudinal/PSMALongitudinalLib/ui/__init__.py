"""Panels of compare mode: the only room that knows Qt."""
