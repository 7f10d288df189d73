"""Units that keep hosts out."""
