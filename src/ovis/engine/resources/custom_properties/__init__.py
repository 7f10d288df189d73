"""Custom properties: what an administrator lets users hang on VMs, NICs and networks, and hooks on hosts then read."""
