"""The search language: grammar, searchable objects, SQL."""

from ovis.engine.store.search.grammar import SearchError
from ovis.engine.store.search.objects import Field, Join, SearchObject
from ovis.engine.store.search.select import count, search

__all__ = ["Field", "Join", "SearchError", "SearchObject", "count", "search"]
