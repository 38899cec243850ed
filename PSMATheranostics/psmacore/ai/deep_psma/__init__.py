"""Both tracers of one patient to the lesions of each, as the DEEP-PSMA challenge's team CDS does it."""
