"""Studies of one patient to each other: where a place of the body in one lies in another."""
