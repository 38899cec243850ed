"""Prepared cases to the random patches that a network is trained on."""
