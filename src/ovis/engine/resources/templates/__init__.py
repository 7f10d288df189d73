"""Templates: /templates and what hangs below them."""
