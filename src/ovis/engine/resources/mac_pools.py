"""MAC pools: /macpools, and the giving out of addresses.

Does: ranges, and allocation that goes round the pool, so that a freed address is not used again at once.
Follows: defaults of engine 4.5 (pool Default; multicast and all-zero addresses refused).
"""

import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object, grant_on_creation
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Cluster, MacPool, Range
from ovis.engine.resources import bodies
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table, name_columns

N = LogSeverity.NORMAL
ADDED = Audit(code=10700, severity=N, text="MAC pool {pool} was created by {user}.")
UPDATED = Audit(code=10702, severity=N, text="MAC pool {pool} was changed by {user}.")
REMOVED = Audit(code=10704, severity=N, text="MAC pool {pool} was removed by {user}.")
DEFAULT_ID = "58ca604b-017d-0374-0220-00000000014e"
TABLE = Table(name="mac_pools", type=MacPool, columns=name_columns(), unique=(("name_key",),))


class PoolState(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """id: the pool's. last: the address given out last, as a number."""

    id: str
    last: int = -1


class MacUse(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An address in use. id: `POOL/ADDRESS` with a count for pools that allow duplicates."""

    id: str
    pool_id: str
    address: str
    uses: int = 1


STATES = Table(name="mac_pool_states", type=PoolState)
USES = Table(name="mac_uses", type=MacUse, columns=(Column(name="pool_id"), Column(name="address")))
_PATTERN = r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"


def number(mac: str) -> int:
    """A MAC as a number."""
    return int(mac.replace(":", ""), 16)


def text(mac: int) -> str:
    """A number as a MAC."""
    digits = f"{mac:012x}"
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def check_address(mac: str) -> str:
    """The address in lower case, refused if malformed, multicast or zero."""
    bodies.raise_all(
        bodies.text_refusals(
            mac, "MAC address", bodies.TextRule(17, 17, _PATTERN, "VALIDATION_VM_NETWORK_MAC_ADDRESS_INVALID")
        )
    )
    value = number(mac)
    if value == 0 or (value >> 40) & 1:
        raise refuse("VALIDATION_VM_NETWORK_MAC_ADDRESS_MULTICAST", f"{mac} is a multicast or empty address.", bad=True)
    return mac.lower()


def _ranges(pool: MacPool) -> list[tuple[int, int]]:
    return [(number(r.from_ or ""), number(r.to or "")) for r in pool.ranges or ()]


def _overlap(ranges: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The addresses that two ranges have in common, or None. Pure."""
    ordered = sorted(ranges)
    for (_, end), (begin, other_end) in itertools.pairwise(ordered):
        if begin <= end:
            return begin, min(end, other_end)
    return None


def _require_apart(rd: Reader, pool: MacPool) -> None:
    """A pool's ranges have nothing in common, nor do those of two pools."""
    own = _ranges(pool)
    common = _overlap(own)
    if common is not None:
        raise refuse(
            "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_OVERLAPPING_RANGES",
            f"Ranges of MAC pool {pool.name} overlap from {text(common[0])} to {text(common[1])}.",
            "Make one range of them.",
            bad=True,
        )
    for other in rd.find(MacPool):
        common = _overlap([*_merged(own), *_merged(_ranges(other))]) if other.id != pool.id else None
        if common is not None:
            raise refuse(
                "ACTION_TYPE_FAILED_MAC_POOL_OVERLAPS_OTHER_POOL",
                f"MAC pool {pool.name} and MAC pool {other.name} both have {text(common[0])} to {text(common[1])}.",
                "Choose ranges that no other pool has.",
            )


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same addresses in ranges that do not overlap: pools of before may have some that do."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _check(rd: Reader, pool: MacPool) -> None:
    bodies.raise_all(bodies.text_refusals(pool.name, "name", bodies.TextRule(255, 1)))
    bodies.require_free_name(rd, MacPool, pool.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=pool.id)
    if not pool.ranges:
        raise refuse("ACTION_TYPE_FAILED_MAC_POOL_MUST_HAVE_RANGE", "A MAC pool needs at least one range.", bad=True)
    for found in pool.ranges:
        check_address(found.from_ or "")
        check_address(found.to or "")
        if number(found.from_ or "") > number(found.to or ""):
            raise refuse(
                "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_INVALID_RANGE", "A range ends before it begins.", bad=True
            )
    _require_apart(rd, pool)


_ONE_BY_ONE = 16


def allocate(tx: Tx, pool_id: str) -> str:
    """The next free address of a pool, after the last one given out, wrapping round. Refused when it is used up."""
    pool = tx.need(MacPool, pool_id)
    state = tx.get(PoolState, pool_id) or PoolState(id=pool_id)
    ranges = _ranges(pool)
    later = [(max(a, state.last + 1), b) for a, b in ranges if b > state.last]
    candidates = (
        value for low, high in later + ranges for value in range(low, high + 1) if value and not (value >> 40) & 1
    )
    used: set[int] | None = None
    for tried, value in enumerate(candidates):
        if tried < _ONE_BY_ONE:  # nearly always the first one is free: the pool's other addresses need not be read
            free = tx.get(MacUse, f"{pool_id}/{text(value)}") is None
        else:
            used = {number(u.address) for u in tx.find(MacUse, pool_id=pool_id)} if used is None else used
            free = value not in used
        if free:
            tx.put(replace(state, last=value))
            _use(tx, pool_id, text(value))
            return text(value)
    raise refuse("MAC_POOL_NOT_ENOUGH_MAC_ADDRESSES", f"MAC pool {pool.name} has no free address left.", "Add a range.")


def _use(tx: Tx, pool_id: str, mac: str) -> None:
    known = tx.get(MacUse, f"{pool_id}/{mac}")
    if known is None:
        tx.insert(MacUse(id=f"{pool_id}/{mac}", pool_id=pool_id, address=mac))
    else:
        tx.update(replace(known, uses=known.uses + 1))


def claim(tx: Tx, pool_id: str, mac: str) -> str:
    """Take a given address; refused if it is in use and the pool allows no duplicates."""
    mac = check_address(mac)
    pool = tx.need(MacPool, pool_id)
    if tx.get(MacUse, f"{pool_id}/{mac}") is not None and not pool.allow_duplicates:
        raise refuse("NETWORK_MAC_ADDRESS_IN_USE", f"The MAC address {mac} is in use.", "Choose another, or none.")
    _use(tx, pool_id, mac)
    return mac


def release(tx: Tx, pool_id: str, mac: str) -> None:
    """Give an address back."""
    known = tx.get(MacUse, f"{pool_id}/{mac.lower()}")
    if known is None:
        return
    if known.uses > 1:
        tx.update(replace(known, uses=known.uses - 1))
    else:
        tx.delete(MacUse, known.id)


def add(tx: Tx, call: Call, body: MacPool) -> MacPool:
    """POST /macpools."""
    made = MacPool(
        id=bodies.new_id(),
        name=body.name,
        description=body.description,
        allow_duplicates=bool(body.allow_duplicates),
        default_pool=False,
        ranges=body.ranges,
    )
    _check(tx, made)
    tx.insert(made)
    grant_on_creation(tx, call, "mac_pool", str(made.id))
    record(tx, ADDED, call=call, pool=made.name)
    return made


def update(tx: Tx, call: Call, body: MacPool) -> MacPool:
    """PUT /macpools/ID."""
    old = tx.need(MacPool, call.ids[-1])
    new = bodies.merge(old, body, keep=("default_pool",))
    _check(tx, new)
    if old.allow_duplicates and not new.allow_duplicates:
        twice = sorted(use.address for use in tx.find(MacUse, pool_id=str(old.id)) if use.uses > 1)
        if twice:
            raise refuse(
                "ACTION_TYPE_FAILED_CANNOT_MAKE_MAC_POOL_UNIQUE",
                f"Several interfaces have {', '.join(twice[:5])} of MAC pool {old.name}.",
                "Change their addresses first.",
            )
    tx.update(new)
    record(tx, UPDATED, call=call, pool=new.name)
    return new


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /macpools/ID: not the default one, nor one in use."""
    old = tx.need(MacPool, call.ids[-1])
    if old.default_pool:
        raise refuse("ACTION_TYPE_FAILED_CANNOT_REMOVE_DEFAULT_MAC_POOL", "The default MAC pool cannot be removed.")
    if tx.count(Cluster, mac_pool_id=str(old.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_CANNOT_REMOVE_STILL_USED_MAC_POOL", f"MAC pool {old.name} is used by clusters."
        )
    forget_object(tx, "mac_pool", str(old.id))
    tx.delete(MacPool, str(old.id))
    record(tx, REMOVED, call=call, pool=old.name)


RESOURCE = Resource(
    type=MacPool,
    collection="macpools",
    object_type="mac_pool",
    table=TABLE,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.CREATE_MAC_POOL, "system"),), mandatory=("name", "ranges")),
    update=Op(run=update, needs=(Need(Permit.EDIT_MAC_POOL),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_MAC_POOL),)),
    subs=(permissions_of("mac_pool"),),
)
TABLES = (TABLE, STATES, USES)


def seed(tx: Tx, instance_id: str) -> None:
    """Pool Default: 65,536 addresses below 56:6f, the next two octets this installation's own."""
    if tx.get(MacPool, DEFAULT_ID) is not None:
        return
    own = hashlib.sha256(instance_id.encode()).hexdigest()[:4]
    start = f"56:6f:{own[:2]}:{own[2:]}"
    tx.insert(
        MacPool(
            id=DEFAULT_ID,
            name="Default",
            description="Default MAC pool",
            allow_duplicates=False,
            default_pool=True,
            ranges=[Range(from_=f"{start}:00:00", to=f"{start}:ff:ff")],
        )
    )
