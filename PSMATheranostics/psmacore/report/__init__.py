"""An analysed study to figures, tables, HTML, PDF and plain text."""
