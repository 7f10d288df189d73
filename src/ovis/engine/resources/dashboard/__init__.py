"""The dashboard's data: one answer for one page."""

from ovis.engine.resources.dashboard.page import PAGES

__all__ = ["PAGES"]
