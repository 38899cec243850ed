"""A job description to a running worker process and its progress events."""
