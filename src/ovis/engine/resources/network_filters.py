"""Network filters: what a vNIC profile may ask of libvirt's nwfilter. /networkfilters and those of a cluster.

Follows: filters shipped by engine 4.5.
"""

from collections.abc import Mapping, Sequence

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.types import NetworkFilter, Version
from ovis.engine.store.session import Reader

# (name, id, level it needs)
_FILTERS = (
    ("allow-arp", "1be5b3b6-ed16-5715-a228-3a4971c60b66", "3.6"),
    ("allow-dhcp", "91a05a0b-e86c-5cbf-86b2-287196216271", "3.6"),
    ("allow-incoming-ipv4", "cd0aea12-1e84-51c6-90d2-c1357147b6fc", "3.6"),
    ("allow-ipv4", "f7f77ee2-338c-573f-aff7-1009afb5dc73", "3.6"),
    ("clean-traffic", "41455b80-0d00-5c79-912b-de4599b66f68", "3.6"),
    ("clean-traffic-gateway", "fcb98402-9b19-5341-a738-67bad1de9f7d", "4.2"),
    ("no-arp-ip-spoofing", "cb739f33-5393-5aff-8d35-4f0bda39f168", "3.6"),
    ("no-arp-mac-spoofing", "99d84a2f-5f47-5e7d-87a5-42e748b360f9", "3.6"),
    ("no-arp-spoofing", "cbea3d7d-b0de-5930-a3b2-c97d765ea01b", "3.6"),
    ("no-ip-multicast", "d5715b0d-16fe-5f72-b254-e470116840dc", "3.6"),
    ("no-ip-spoofing", "542718ae-de9e-558b-8e97-5eba627608fc", "3.6"),
    ("no-mac-broadcast", "792488db-1cef-5730-aae6-370c378adb4a", "3.6"),
    ("no-mac-spoofing", "f0a29821-5bed-5f0c-88fb-c539927fec32", "3.6"),
    ("no-other-l2-traffic", "6d33a02e-992f-57a9-8cfa-d0d1620e7515", "3.6"),
    ("no-other-rarp-traffic", "df962c58-2f34-5318-8429-dd10cded10cf", "3.6"),
    ("qemu-announce-self", "3aec350d-9b85-58b0-a2ce-cc2ca869a058", "3.6"),
    ("qemu-announce-self-rarp", "88606f6c-7c79-52a6-b97a-45ddf647a5ff", "3.6"),
    ("vdsm-no-mac-spoofing", "d2370ab4-fee3-11e9-a310-8c1645ce738e", "3.2"),
)
DEFAULT_FILTER_ID = "d2370ab4-fee3-11e9-a310-8c1645ce738e"


def _shown(name: str, id_: str, level: str) -> NetworkFilter:
    major, minor = level.split(".")
    return NetworkFilter(id=id_, name=name, version=Version(major=int(major), minor=int(minor), build=-1, revision=-1))


FILTERS: Mapping[str, NetworkFilter] = {id_: _shown(name, id_, level) for name, id_, level in _FILTERS}


def resolve_filter(rd: Reader, reference: NetworkFilter) -> NetworkFilter:
    """The filter that a body names by id or name."""
    for found in FILTERS.values():
        if reference.id == found.id or (reference.id is None and reference.name == found.name):
            return found
    raise NotFound(f"NetworkFilter: {reference.id or reference.name}", named=True)


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[NetworkFilter]]:
    return {parent: list(FILTERS.values()) for parent in parents}


RESOURCE = Resource(
    type=NetworkFilter, collection="networkfilters", list=Op(run=_list, needs=PUBLIC), get=Op(needs=PUBLIC)
)
FILTERS_OF_CLUSTER = RESOURCE
