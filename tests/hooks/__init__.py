"""Tests of the hooks that are shipped in `hooks/`."""
