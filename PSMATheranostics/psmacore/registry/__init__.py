"""Model manifests on disk to checked records of what a model is and may be used for; no torch here."""
