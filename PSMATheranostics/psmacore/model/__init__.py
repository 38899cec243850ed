"""Frozen values that travel between the rooms: geometry, volumes, administration, lesions, time points."""
