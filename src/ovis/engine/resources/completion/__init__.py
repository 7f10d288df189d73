"""What may come next in a search, at the cursor."""

from ovis.engine.resources.completion.propose import PAGES

__all__ = ["PAGES"]
