"""SUV and organ labels to measured lesions."""
