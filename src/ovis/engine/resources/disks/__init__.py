"""Disks: /disks, and those of VMs and templates."""
