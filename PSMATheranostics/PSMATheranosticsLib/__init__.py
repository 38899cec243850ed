"""What imports Slicer, shared by both modules: ``scene`` turns core types into nodes and back, ``ui`` holds widgets."""
