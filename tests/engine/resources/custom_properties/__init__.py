"""Tests of custom properties."""
