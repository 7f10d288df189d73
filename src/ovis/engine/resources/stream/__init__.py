"""The stream of changes: what is committed and what hosts report, told to open pages as it happens."""

from ovis.engine.resources.stream.changes import Changes
from ovis.engine.resources.stream.page import PAGES

__all__ = ["PAGES", "Changes"]
