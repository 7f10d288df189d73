"""Units that move VMs."""
