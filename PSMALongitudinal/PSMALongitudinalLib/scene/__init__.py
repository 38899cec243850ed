"""A course to layout, plot and table nodes; the scene is an argument, Qt is not known here."""
