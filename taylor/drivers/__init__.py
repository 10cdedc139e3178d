"""Derivatives of functions: what users call."""
