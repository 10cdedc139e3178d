"""The command line: python -m taylor."""
