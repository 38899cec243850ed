"""Our own pages, plain HTML from the archive's index: no script, no Node."""
