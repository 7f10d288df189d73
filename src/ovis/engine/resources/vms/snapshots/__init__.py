"""Snapshots of VMs: taken, looked at, previewed, committed, undone, removed; stateless runs; clones."""
