"""The command `psma`: thin commands over the use cases."""
