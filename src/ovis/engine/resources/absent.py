"""Collections that the API has and that are empty in this engine, so that clients who look there find nothing, not a fault.

Does: declare them, with what hangs below. Does not: promise that something can be added.
"""

from typing import Any

from ovis.engine.declare.resource import PUBLIC, Needs, Op, Resource
from ovis.engine.resources import bodies


def absent(
    type_: Any,
    collection: str,
    *,
    subs: tuple[Resource, ...] = (),
    needs: Needs = PUBLIC,
    v3_collection: str | None = None,
) -> Resource:
    """An empty collection."""
    return Resource(
        type=type_,
        collection=collection,
        v3_collection=v3_collection,
        list=Op(run=bodies.nothing, needs=needs),
        get=Op(needs=needs),
        subs=subs,
    )
