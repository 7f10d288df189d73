"""Units that compare hosts."""
