"""A job folder to results, in a process of its own."""
