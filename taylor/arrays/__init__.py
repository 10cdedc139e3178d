"""NumPy's functions, by name."""
