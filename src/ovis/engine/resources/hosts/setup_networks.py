"""Set up a host's networks: POST /hosts/ID/setupnetworks, commitnetconfig, syncallnetworks, and the attachments below.

Does: one command for all of them. It asks the agent, confirms meanwhile that the engine still reaches it, reads anew what
the host has, and stores what was wanted. Does not: decide what is possible (network_wishes); serve hosts in maintenance,
to which no connection is kept. Follows: flows, section 1, step 5; permits and refusals of engine 4.5.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need, Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, LogSeverity, NetworkUsage
from ovis.engine.model.types import (
    Action,
    Cluster,
    CustomProperty,
    Host,
    HostNic,
    Network,
    NetworkAttachment,
    NetworkLabel,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.resources.hosts import networking
from ovis.engine.resources.hosts.attachments import HostAttachment, NicLabel
from ovis.engine.resources.hosts.network_wishes import Scene, wish
from ovis.engine.resources.live import capabilities
from ovis.engine.resources.networks import ClusterNetwork, Label
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR
S = HostStatus
DONE = Audit(code=1140, severity=N, text="Networks of host {host} were set up by {user}.")
FAILED = Audit(code=1141, severity=E, text="Networks of host {host} could not be set up: {reason}")
COMMITTED = Audit(code=511, severity=N, text="The network configuration of host {host} was saved by {user}.")
_TIMEOUT = 120
_BEAT, _BEAT_LIMIT, _SLACK = 0.5, 3.0, 60.0
_SETTLED = 8  # answers of a host that is back, until what it has counts as all that will be
NEEDS = (Need(Permit.CONFIGURE_HOST_NETWORK),)
PARENT_NEEDS = (Need(Permit.CONFIGURE_HOST_NETWORK, "parent"),)


class SetupParams(Struct, kw_only=True, frozen=True):
    """What is sent, and what is stored when it is done. timeout: seconds."""

    host_id: str
    networks: dict[str, dict[str, Any]]
    bondings: dict[str, dict[str, Any]]
    check: bool = True
    timeout: int = _TIMEOUT
    commit: bool = False
    rows: tuple[HostAttachment, ...] = ()
    gone: tuple[str, ...] = ()
    labels: tuple[NicLabel, ...] = ()
    labels_gone: tuple[str, ...] = ()


def scene(rd: Reader, host: Host) -> Scene:
    """The host as the engine knows it."""
    host_id = str(host.id)
    caps, known = capabilities(host_id), networking.known_networks(rd, (host_id,)).get(host_id, {})
    roles = rd.find(ClusterNetwork, cluster_id=str(host.cluster.id)) if host.cluster else []
    managing = frozenset(r.network_id for r in roles if NetworkUsage.MANAGEMENT in r.usages)
    labelled: dict[str, tuple[str, ...]] = {}
    for row in rd.find(Label, network_id=sorted(str(n.id) for n in known.values())) if known else ():
        text = row.id.partition("/")[2]
        labelled[text] = (*labelled.get(text, ()), row.network_id)
    return Scene(
        host_id=host_id,
        nics=caps.get("nics") or {},
        bonds=caps.get("bondings") or {},
        networks=known,
        allowed=frozenset(r.network_id for r in roles),
        managing=managing,
        routing=frozenset(r.network_id for r in roles if NetworkUsage.DEFAULT_ROUTE in r.usages) or managing,
        lies={p.name: networking.base_nic(caps, p.nic) for p in networking.placed(caps, known)},
        stored={r.network_id: r for r in rd.find(HostAttachment, host_id=host_id)},
        labels=tuple(rd.find(NicLabel, host_id=host_id)),
        labelled=labelled,
    )


def begin_setup(tx: Tx, call: Call, action: Action, *, entity: Any = None) -> Started:
    """Check it all, store the command."""
    host = tx.need(Host, call.ids[0])
    if host.status not in (S.UP, S.NON_OPERATIONAL):
        shown = host.status.value if host.status else "unknown"
        raise refuse("ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL", f"Host {host.name} is {shown}.", "It must be up.")
    if action.connectivity_timeout is not None and not 1 <= action.connectivity_timeout <= 3600:
        raise refuse("VALIDATION_CONNECTIVITY_TIMEOUT_INVALID", "The timeout must be 1 to 3600 seconds.", bad=True)
    found, reasons = wish(scene(tx, host), action)
    cluster = tx.get(Cluster, host.cluster.id) if host.cluster else None
    bodies.raise_all([*reasons, *(r for row in found.rows for r in _unfit(tx, cluster, row))])
    params = SetupParams(
        host_id=str(host.id),
        networks=found.networks,
        bondings=found.bondings,
        check=action.check_connectivity is not False,
        timeout=action.connectivity_timeout or _TIMEOUT,
        commit=bool(action.commit_on_success),
        rows=tuple(found.rows),
        gone=tuple(found.gone),
        labels=tuple(found.labels),
        labels_gone=tuple(found.labels_gone),
    )
    locks, subjects = (Lock("host", str(host.id)),), (("host", str(host.id)),)
    return begin(tx, SETUP, params, call=call, locks=locks, subjects=subjects, entity=entity, wait=True)


def _unfit(rd: Reader, cluster: Cluster | None, row: HostAttachment) -> list[Refusal]:
    """Custom properties of a network on a host that are not defined, or of no such value."""
    network = rd.get(Network, row.network_id)
    given = [CustomProperty(name=p.name, value=p.value) for p in row.properties]
    return custom_checks.of_attachment(rd, cluster, str(network.name if network else row.network_id), given)


# -- the command ------------------------------------------------------------------------------------------------------


async def _confirm(ctx: Context) -> None:
    """Tell the host for ever that it is reached; silence is what the host waits out."""
    while True:
        with contextlib.suppress(HostError, HostUnreachable):
            await ctx.services.hosts.call(ctx.params.host_id, "Host.confirmConnectivity", timeout=_BEAT_LIMIT)
        await asyncio.sleep(_BEAT)


async def _request(ctx: Context) -> dict[str, Any]:
    """The request without what a first run has removed already."""
    params: SetupParams = ctx.params
    caps = await ctx.services.hosts.call(params.host_id, "Host.getCapabilities")

    def left(wanted: Mapping[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
        there = caps.get(kind) or {}
        return {n: w for n, w in wanted.items() if "remove" not in w or n in there}

    return {
        "networks": left(params.networks, "networks"),
        "bondings": left(params.bondings, "bondings"),
        "options": {
            "connectivityCheck": "true" if params.check else "false",
            "connectivityTimeout": params.timeout,
            "commitOnSuccess": params.commit,
        },
    }


async def _look(ctx: Context) -> None:
    """The connection broke before the answer came: once the host is back, what it has tells how that ended.

    HostUnreachable if it has taken its change back, as it does when nobody reaches it meanwhile.
    """
    params: SetupParams = ctx.params
    left = _SETTLED
    while left > 0:
        with contextlib.suppress(HostError, HostUnreachable):
            if has(await ctx.services.hosts.call(params.host_id, "Host.getCapabilities"), params):
                return
            left -= 1
        await asyncio.sleep(1.0)
    raise HostUnreachable(
        "The change cut the host off, so that it was taken back: the engine did not reach it.", host_id=params.host_id
    )


def has(caps: Mapping[str, Any], params: SetupParams) -> bool:
    """Whether a host has what was asked of it, as far as its report shows. Pure."""
    networks, bonds = caps.get("networks") or {}, caps.get("bondings") or {}
    for name, asked in params.bondings.items():
        there = bonds.get(name)
        if ("remove" in asked) == (there is not None):
            return False
        if there is not None and sorted(there.get("slaves") or ()) != sorted(asked["nics"]):
            return False
    for name, asked in params.networks.items():
        row = networks.get(name)
        if ("remove" in asked) == (row is not None):
            return False
        if row is not None:
            (found,) = networking.placed({**caps, "networks": {name: row}}, {})
            shown = (networking.base_nic(caps, found.nic), str(row.get("vlan", "")), str(row.get("mtu")))
            if shown != (asked.get("bonding") or asked.get("nic"), str(asked.get("vlan", "")), str(asked["mtu"])):
                return False
    return True


async def _change(ctx: Context) -> Callable[[Tx], None]:
    """The agent does it, or takes it back itself. Asked again by another engine, it finds its own work."""
    params: SetupParams = ctx.params
    limit = params.timeout + _SLACK
    confirming = asyncio.create_task(_confirm(ctx))
    try:
        async with asyncio.timeout(2 * limit):
            while True:
                try:
                    request = await _request(ctx)
                    await ctx.services.hosts.call(params.host_id, "Host.setupNetworks", request, timeout=limit)
                    break
                except HostError as err:
                    if err.code != Code.UNAVAILABLE:  # else an earlier request is still going on
                        raise
                except HostUnreachable as err:
                    if not err.sent:
                        raise
                    await _look(ctx)
                    break
                await asyncio.sleep(1.0)
    except TimeoutError as err:
        raise HostUnreachable("The host did not end its set-up.", host_id=params.host_id) from err
    finally:
        confirming.cancel()
        await asyncio.gather(confirming, return_exceptions=True)
    with contextlib.suppress(HostError, HostUnreachable):  # monitoring reads it soon
        await ctx.services.hosts.refresh(params.host_id)

    def save(tx: Tx) -> None:
        for network_id in params.gone:
            tx.delete_found(HostAttachment, host_id=params.host_id, network_id=network_id)
        for row in params.rows:
            if tx.get(Network, row.network_id) is not None:
                tx.put(row)
        for label_id in params.labels_gone:
            tx.delete_found(NicLabel, id=label_id)
        for label in params.labels:
            tx.put(label)

    return save


SETUP = Command(
    name="host.setup_networks",
    params=SetupParams,
    title="Setting up networks of host {host}",
    steps=(Step("change", _change, title="Changing its networks"),),
    done=DONE,
    failed=FAILED,
)
COMMANDS = (SETUP,)


# -- actions ----------------------------------------------------------------------------------------------------------


def setup(tx: Tx, call: Call, action: Action) -> Started:
    """POST setupnetworks."""
    return begin_setup(tx, call, action)


def sync_all(tx: Tx, call: Call, action: Action) -> Started | None:
    """POST syncallnetworks: every network that is not as it should be."""
    rows = networking.attachments(tx, call, (call.ids[0],))[call.ids[0]]
    stale = [NetworkAttachment(id=r.id) for r in rows if r.in_sync is False]
    if not stale:
        raise refuse("ALL_NETWORKS_ARE_IN_SYNC", "All networks of the host are in sync.")
    return begin_setup(tx, call, Action(synchronized_network_attachments=stale, commit_on_success=True))


async def commit(services: Services, call: Call, action: Action) -> None:
    """POST commitnetconfig."""
    host = await services.store.read(lambda rd: rd.need(Host, call.ids[0]))
    try:
        await services.hosts.call(str(host.id), "Host.setSafeNetworkConfig")
    except (HostError, HostUnreachable) as err:
        raise refuse("VDS_CANNOT_COMMIT_NETWORKS", f"Host {host.name} did not save its networks: {err}") from err
    await services.store.write(lambda tx: record(tx, COMMITTED, call=call, host=host))


ACTIONS = (
    ApiAction(
        name="setupnetworks",
        run=setup,
        needs=NEEDS,
        body=(
            "async",
            "check_connectivity",
            "commit_on_success",
            "connectivity_timeout",
            "modified_bonds",
            "modified_labels",
            "modified_network_attachments",
            "removed_bonds",
            "removed_labels",
            "removed_network_attachments",
            "synchronized_network_attachments",
        ),
    ),
    ApiAction(name="syncallnetworks", run=sync_all, needs=NEEDS, body=("async",), v3=False),
    ApiAction(name="commitnetconfig", run=commit, needs=NEEDS, body=("async",)),
)


# -- attachments ------------------------------------------------------------------------------------------------------


def _below_nic(call: Call, length: int) -> HostNic | None:
    """The NIC of the path, if the collection is that of a NIC."""
    return HostNic(id=call.ids[1]) if len(call.ids) > length else None


def _shown(rd: Reader, host_id: str, given: NetworkAttachment) -> NetworkAttachment:
    network = given.network
    found = next(
        (
            n
            for n in networking.known_networks(rd, (host_id,)).get(host_id, {}).values()
            if network is not None and (n.id == network.id or (not network.id and n.name == network.name))
        ),
        None,
    )
    id_ = bodies.derived_id("network_attachment", host_id, str(found.id)) if found is not None else given.id
    return replace(given, id=id_, host=Host(id=host_id), network=Network(id=found.id) if found else given.network)


def add(tx: Tx, call: Call, body: NetworkAttachment) -> Started:
    """POST networkattachments of a host or of its NIC."""
    nic = _below_nic(call, 1)
    given = replace(body, id=None, host_nic=nic or body.host_nic)
    if given.host_nic is None:
        raise refuse("HOST_NETWORK_INTERFACE_NOT_EXIST", "The attachment names no host_nic.", bad=True)
    entity = _shown(tx, call.ids[0], given)
    if any(a.id == entity.id for a in networking.attachments(tx, call, (call.ids[0],))[call.ids[0]]):
        raise refuse("NETWORKS_ALREADY_ATTACHED_TO_IFACES", "The network is attached to this host already.")
    return begin_setup(tx, call, Action(modified_network_attachments=[given]), entity=entity)


def _existing(tx: Tx, call: Call) -> NetworkAttachment:
    for row in networking.attachments(tx, call, (call.ids[0],))[call.ids[0]]:
        if row.id == call.ids[-1]:
            return row
    raise NotFound(f"NetworkAttachment: id={call.ids[-1]}")


def update(tx: Tx, call: Call, body: NetworkAttachment) -> Started:
    """PUT a network attachment: its NIC, its addresses."""
    old = _existing(tx, call)
    if body.network is not None and body.network.id not in (None, old.network.id if old.network else None):
        raise refuse("CANNOT_CHANGE_ATTACHED_NETWORK", "An attachment keeps its network.", "Remove it and add another.")
    given = replace(body, id=old.id, network=None)
    entity = replace(old, ip_address_assignments=body.ip_address_assignments or old.ip_address_assignments)
    return begin_setup(tx, call, Action(modified_network_attachments=[given]), entity=entity)


def remove(tx: Tx, call: Call, body: Any) -> Started:
    """DELETE a network attachment."""
    old = _existing(tx, call)
    return begin_setup(tx, call, Action(removed_network_attachments=[NetworkAttachment(id=old.id)]))


# -- labels of NICs ---------------------------------------------------------------------------------------------------


def add_label(tx: Tx, call: Call, body: NetworkLabel) -> Started:
    """POST nics/ID/networklabels: the cluster's networks with that label come along."""
    nic = HostNic(id=call.ids[1])
    made = NetworkLabel(id=body.id or body.name, host_nic=nic)
    return begin_setup(tx, call, Action(modified_labels=[made]), entity=made)


def remove_label(tx: Tx, call: Call, body: Any) -> Started:
    """DELETE nics/ID/networklabels/LABEL: and its networks go."""
    return begin_setup(tx, call, Action(removed_labels=[NetworkLabel(id=call.ids[-1])]))
