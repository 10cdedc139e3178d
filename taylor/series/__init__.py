"""The number types: truncated Taylor series."""
