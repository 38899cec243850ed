"""Compare mode of the dates of one patient, over PSMATheranosticsLib: ``scene`` holds nodes, ``ui`` holds widgets."""
