"""A seed to simulated patients with known truth, as arrays and as DICOM."""
