"""What stands below the verbs: a driver, whose parts have one async method a verb (`VM.create` is `vm_create`).

Arguments and results are VDSM's (see contract.verbs). A part raises contract.errors.VerbError. Methods that no part has
answer 44.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Publish = Callable[[str, Mapping[str, Any]], None]


class Driver(Protocol):
    """The life of a driver; verbs are found by name in its parts, the first that has one serves it."""

    @property
    def parts(self) -> Sequence[object]:
        """Objects that carry the verbs' methods."""
        ...

    @property
    def recovering(self) -> bool:
        """True while the driver finds its VMs again: every verb answers 99."""
        ...

    async def start(self, publish: Publish) -> None:
        """Begin; `publish(event_id, body)` sends events."""
        ...

    async def stop(self) -> None:
        """End without touching any guest."""
        ...
