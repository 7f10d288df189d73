"""Shapes of arguments and results as they travel; see calls."""
