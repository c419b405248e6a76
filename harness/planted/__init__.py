"""Declarations of known work: what ``calibrate`` plants, to see whether it is found."""
