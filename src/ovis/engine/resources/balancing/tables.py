"""Hosts that power saving put to rest, so that it alone wakes them again."""

from msgspec import Struct

from ovis.engine.store.tables import Table


class RestingHost(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """id: the host's. off: its power was switched off, too."""

    id: str
    off: bool = False


TABLES = (Table(name="resting_hosts", type=RestingHost),)
