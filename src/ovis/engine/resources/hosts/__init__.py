"""Hosts: /hosts and what hangs below them."""
