"""Virtual machines: /vms and what hangs below them."""
