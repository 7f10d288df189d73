"""Who is told what hosts say: the seam between the link and the rooms that know hosts and VMs.

Does: name the calls. The rooms implement them (`resources.observer`), since statuses and events are theirs.
Every call is awaited before the same host's next one; an exception is logged and the loop goes on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Facts = Mapping[str, Any]  # VDSM's names and types


class Observer(Protocol):
    """What monitoring tells."""

    async def host_answers(self, host_id: str, capabilities: Facts, hardware: Facts, stats: Facts) -> None:
        """A host that was not up, or was lost meanwhile, answers: check it, connect its storage, give it a status."""

    async def host_stats(self, host_id: str, stats: Facts) -> None:
        """Statistics of a host that is being watched."""

    async def host_silent(self, host_id: str, grace: float) -> None:
        """A host does not answer; it is lost if that goes on for `grace` seconds."""

    async def host_lost(self, host_id: str) -> None:
        """The grace is over."""

    async def vm_rows(self, host_id: str, rows: Sequence[Facts], full: bool) -> None:
        """VMs of a host. full: all it has, so what is missing is gone."""

    async def vm_event(self, host_id: str, vm_id: str, row: Facts) -> None:
        """A VM's status changed."""

    async def host_event(self, host_id: str, name: str, params: Facts) -> None:
        """Any other event, by its id `|area|what|id`."""

    async def connect_pool(self, host_id: str, data_center_id: str) -> None:
        """Tell a host the pool of a data center, before it is asked to manage it."""

    async def pool_state(self, data_center_id: str, state: str, spm_host_id: str | None) -> None:
        """state: `up`, `contend`, `problematic`, `not_operational`; spm_host_id: who manages the pool now."""

    async def pool_info(self, data_center_id: str, info: Facts) -> None:
        """What the manager says of the pool's domains: StoragePool.getInfo."""
