"""Trained models as the steps of an analysis: organs, classification, lesions."""
