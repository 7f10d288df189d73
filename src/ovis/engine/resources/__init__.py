"""Everything the API offers, by name. A new resource adds its line here and nowhere else.

Does: list the root collections, tables and commands for `main`. Does not: start anything.
"""

from ovis.engine.declare.resource import Resource

RESOURCES: tuple[Resource, ...] = ()
