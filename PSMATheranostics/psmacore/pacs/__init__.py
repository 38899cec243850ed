"""A DICOMweb archive as a place to search, fetch from and store to."""
