"""The use cases: a study in, a folder of results out."""
