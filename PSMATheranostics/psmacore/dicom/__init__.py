"""DICOM files to the model's values, and results back to DICOM objects."""
