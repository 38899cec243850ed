"""HTTP requests to answers, one file per DICOMweb service or kind of page."""
