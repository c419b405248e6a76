"""Plots from stored records: one function in each file, one style sheet. None imports torch."""
