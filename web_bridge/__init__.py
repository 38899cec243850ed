"""A folder of DICOM objects served as a DICOMweb archive, with a web viewer on the same origin."""
