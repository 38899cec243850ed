"""Panels, dialogs and processes: the only room that knows Qt."""
