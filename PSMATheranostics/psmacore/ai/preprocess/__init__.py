"""Images of a case to the array that a network reads, and its output back to the case's grid."""
