"""Kinds of links."""
