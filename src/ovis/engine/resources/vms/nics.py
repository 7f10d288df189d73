"""NICs of a VM: /vms/ID/nics.

Does: add with a MAC of the cluster's pool, change, plug and unplug (live on the host), remove.
Follows: defaults of engine 4.5; names unique in the VM.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Resource, Started
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import IpVersion, LogSeverity, NicInterface, ReportedDeviceType
from ovis.engine.model.types import (
    Action,
    Cluster,
    Ip,
    Mac,
    Network,
    NetworkFilterParameter,
    Nic,
    ReportedDevice,
    Statistic,
    Vm,
    VmBase,
    VnicProfile,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.absent import absent
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.clusters.resource import DEFAULT_MAC_POOL
from ovis.engine.resources.live import vm_facts
from ovis.engine.resources.mac_pools import allocate, claim, release
from ovis.engine.resources.networks import ClusterNetwork
from ovis.engine.resources.statistics import NIC_STATISTICS, build, nic_values
from ovis.engine.resources.vms import plug, rules
from ovis.engine.resources.vms.state import NICS, VmNic, VmRuntime
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.wire.dialect3 import Context as V3Context

N = LogSeverity.NORMAL
ADDED = Audit(code=932, severity=N, text="Interface {nic} was added to VM {vm} by {user}.")
UPDATED = plug.NIC_CHANGED
REORDERED = Audit(
    code=35, severity=N, text="MAC addresses of VM {vm} were put in the order of its interfaces by {user}."
)
_DIGITS = re.compile(r"(\d+)")
REMOVED = Audit(code=930, severity=N, text="Interface {nic} was removed from VM {vm} by {user}.")
NAME_RULE = TextRule(50, 1)


def mac_pool_of(rd: Reader, vm: Vm) -> str:
    """The pool that a VM's MACs come from."""
    cluster = rd.get(Cluster, vm.cluster.id) if vm.cluster else None
    return str(cluster.mac_pool.id) if cluster and cluster.mac_pool else DEFAULT_MAC_POOL


def shown(row: VmNic) -> Nic:
    """The NIC as the API shows it."""
    return replace(row.nic, id=row.id, vm=Vm(id=row.vm_id))


def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Nic]]:
    """NICs of VMs, by name."""
    out: dict[str, list[Nic]] = {p: [] for p in parents}
    for row in rd.find(VmNic, vm_id=list(parents)):
        out[row.vm_id].append(shown(row))
    return out


def profile_for(rd: Reader, vm: VmBase, body: Nic) -> VnicProfile | None:
    """The profile that a body names; v3 names a network, of which the first fitting profile is taken."""
    if body.vnic_profile is not None:
        if body.vnic_profile.id is None and body.vnic_profile.name is None:
            return None
        return bodies.resolve(rd, VnicProfile, body.vnic_profile)
    if body.network is None or (body.network.id is None and not body.network.name):
        return None
    roles = rd.find(ClusterNetwork, cluster_id=str(vm.cluster.id) if vm.cluster else "")
    networks = rd.get_many(Network, [r.network_id for r in roles])
    for network in networks.values():
        if body.network.id == network.id or (body.network.id is None and body.network.name == network.name):
            profiles = rd.find(VnicProfile, network_id=str(network.id))
            if profiles:
                return profiles[0]
    raise NotFound(f"Network: {body.network.id or body.network.name}", named=True)


def create(tx: Tx, vm: Vm, body: Nic) -> VmNic:
    """Store a NIC with its MAC."""
    bodies.raise_all(bodies.text_refusals(body.name, "name", NAME_RULE))
    if any((n.nic.name or "").lower() == (body.name or "").lower() for n in tx.find(VmNic, vm_id=str(vm.id))):
        raise refuse("NETWORK_INTERFACE_NAME_ALREADY_IN_USE", f"VM {vm.name} already has an interface {body.name}.")
    profile = profile_for(tx, vm, body)
    pool = mac_pool_of(tx, vm)
    given = body.mac.address if body.mac and body.mac.address else None
    mac = claim(tx, pool, given) if given else allocate(tx, pool)
    nic_id = bodies.new_id()
    return tx.insert(
        VmNic(
            id=nic_id,
            vm_id=str(vm.id),
            nic=Nic(
                id=nic_id,
                name=body.name,
                comment=body.comment,
                interface=body.interface or NicInterface.VIRTIO,
                linked=body.linked is not False,
                plugged=body.plugged is not False,
                mac=Mac(address=mac),
                vnic_profile=VnicProfile(id=profile.id) if profile else None,
            ),
        )
    )


async def add(services: Services, call: Call, body: Nic) -> Nic:
    """POST: stored, and plugged at once into a running VM."""

    def write(tx: Tx) -> tuple[VmNic, Started | None]:
        vm = tx.need(Vm, call.ids[0])
        bodies.raise_all(rules.NIC_CHANGE.refusals(vm))
        row = create(tx, vm, body)
        record(tx, ADDED, call=call, vm=vm, nic=row.nic.name)
        if vm.host is None or not row.nic.plugged:
            return row, None
        row = tx.update(replace(row, nic=replace(row.nic, plugged=False)))  # until its host has it
        return row, plug.begin_nic(tx, call, row, plugged=True, fresh=True, mac_pool=mac_pool_of(tx, vm))

    row, started = await services.store.write(write)
    if started is not None:
        await plug.finish(services, started)
    return shown(await services.store.read(lambda rd: rd.need(VmNic, row.id)))


def _forget(tx: Tx, vm: Vm, row: VmNic) -> None:
    if row.nic.mac and row.nic.mac.address:
        release(tx, mac_pool_of(tx, vm), row.nic.mac.address)
    tx.delete(VmNic, row.id)


def _row(rd: Reader, call: Call) -> VmNic:
    row = rd.get(VmNic, call.ids[1])
    if row is None or row.vm_id != call.ids[0]:
        raise NotFound(f"Nic: id={call.ids[1]}")
    return row


async def update(services: Services, call: Call, body: Nic) -> Nic:
    """PUT: name, profile, link, MAC and model (these two only unplugged or down), plugged. What a running VM's host has to
    do is done before it is stored."""
    started = await services.store.write(lambda tx: _change(tx, call, body))
    if started is not None:
        await plug.finish(services, started)
    return shown(await services.store.read(lambda rd: _row(rd, call)))


def _change(tx: Tx, call: Call, body: Nic) -> Started | None:
    vm, now = tx.need(Vm, call.ids[0]), _row(tx, call)
    bodies.raise_all(rules.NIC_CHANGE.refusals(vm))
    new = bodies.merge(now.nic, replace(body, network=None, vnic_profile=None, mac=None, vm=None), keep=("vm",))
    bodies.raise_all(bodies.text_refusals(new.name, "name", NAME_RULE))
    others = [n for n in tx.find(VmNic, vm_id=now.vm_id) if n.id != now.id]
    if any((n.nic.name or "").lower() == (new.name or "").lower() for n in others):
        raise refuse("NETWORK_INTERFACE_NAME_ALREADY_IN_USE", f"The name {new.name} is used in this VM.")
    running = vm.host is not None
    live = running and bool(now.nic.plugged)
    if body.vnic_profile is not None or body.network is not None:
        profile = profile_for(tx, vm, body)
        new = replace(new, vnic_profile=VnicProfile(id=profile.id) if profile else None)
    wanted = body.mac.address if body.mac and body.mac.address else None
    if wanted and now.nic.mac and wanted.lower() != (now.nic.mac.address or "").lower():
        if live:
            raise refuse("CANNOT_PERFORM_HOT_UPDATE", "The MAC address changes only while the NIC is unplugged.")
        pool = mac_pool_of(tx, vm)
        mac = claim(tx, pool, wanted)
        release(tx, pool, now.nic.mac.address or "")
        new = replace(new, mac=Mac(address=mac))
    if live and new.interface is not now.nic.interface:
        raise refuse("CANNOT_PERFORM_HOT_UPDATE", "The model changes only while the NIC is unplugged.")
    if new == now.nic:
        return None
    switched = bool(new.plugged) != bool(now.nic.plugged)
    if live and not switched:
        return plug.begin_nic(tx, call, now, plugged=True, wanted=new)
    stored = tx.update(replace(now, nic=replace(new, plugged=now.nic.plugged) if running else new))
    if running and switched:
        return plug.begin_nic(tx, call, stored, plugged=bool(new.plugged))
    if switched:
        told = plug.NIC_PLUGGED if new.plugged else plug.NIC_UNPLUGGED
        record(tx, told, call=call, vm=vm, nic=new.name)
    else:
        record(tx, UPDATED, call=call, vm=vm, nic=new.name)
    return None


async def remove(services: Services, call: Call, body: Any) -> None:
    """DELETE: unplugged first, when the VM is down or the NIC is not plugged."""

    def drop(tx: Tx) -> None:
        vm, row = tx.need(Vm, call.ids[0]), _row(tx, call)
        if vm.host is not None and row.nic.plugged:
            raise refuse(
                "ACTION_TYPE_FAILED_CANNOT_REMOVE_ACTIVE_DEVICE",
                f"Interface {row.nic.name} is plugged.",
                "Deactivate it first.",
            )
        _forget(tx, vm, row)
        record(tx, REMOVED, call=call, vm=vm, nic=row.nic.name)

    await services.store.write(drop)


def _natural(name: str) -> list[tuple[int, str]]:
    """nic2 before nic10."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in _DIGITS.split(name.lower())]


def reorder(tx: Tx, call: Call, action: Action) -> None:
    """POST reordermacaddresses: the lowest address to the first interface, by name; numbers in names count as such."""
    vm = tx.need(Vm, call.ids[0])
    bodies.raise_all(rules.DOWN.refusals(vm))
    rows = sorted(tx.find(VmNic, vm_id=str(vm.id)), key=lambda r: _natural(r.nic.name or ""))
    macs = sorted(r.nic.mac.address.lower() for r in rows if r.nic.mac and r.nic.mac.address)
    if len(macs) != len(rows):
        raise refuse("NETWORK_INVALID_MAC_ADDRESS", f"An interface of VM {vm.name} has no MAC address.")
    for row, mac in zip(rows, macs, strict=True):
        if row.nic.mac != Mac(address=mac):
            tx.update(replace(row, nic=replace(row.nic, mac=Mac(address=mac))))
    record(tx, REORDERED, call=call, vm=vm)


REORDER = ApiAction(name="reordermacaddresses", run=reorder, needs=(Need(Permit.CREATE_VM),), body=("async",))


def _switch(plugged: bool) -> Any:
    async def run(services: Services, call: Call, action: Action) -> None:
        await update(services, call, Nic(plugged=plugged))

    return run


def reported_of_vms(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[ReportedDevice]]:
    """What guest agents say of NICs."""
    runtimes = rd.get_many(VmRuntime, parents)
    return {p: devices(p, runtimes[p]) if p in runtimes else [] for p in parents}


def devices(vm_id: str, runtime: VmRuntime) -> list[ReportedDevice]:
    """One VM's reported devices."""
    return [
        ReportedDevice(
            id=bodies.derived_id("reported_device", vm_id, n.name, n.mac),
            name=n.name,
            description="guest reported data",
            type=ReportedDeviceType.NETWORK,
            mac=Mac(address=n.mac) if n.mac else None,
            ips=[Ip(address=a, version=IpVersion.V4) for a in n.ipv4]
            + [Ip(address=a, version=IpVersion.V6) for a in n.ipv6]
            or None,
            vm=Vm(id=vm_id),
        )
        for n in runtime.guest_nics
    ]


def _reported_of_nics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[ReportedDevice]]:
    rows = rd.get_many(VmNic, parents)
    runtimes = rd.get_many(VmRuntime, {r.vm_id for r in rows.values()})
    out: dict[str, list[ReportedDevice]] = {p: [] for p in parents}
    for nic_id, row in rows.items():
        mac = (row.nic.mac.address or "").lower() if row.nic.mac else ""
        found = devices(row.vm_id, runtimes[row.vm_id]) if row.vm_id in runtimes else []
        out[nic_id] = [d for d in found if d.mac and (d.mac.address or "").lower() == mac]
    return out


def _statistics(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Statistic]]:
    rows = rd.get_many(VmNic, parents)
    facts = vm_facts(rd, {r.vm_id for r in rows.values()})
    out = {}
    for nic_id in parents:
        row = rows.get(nic_id)
        stats = facts.get(row.vm_id, {}) if row else {}
        mac = (row.nic.mac.address or "").lower() if row and row.nic.mac else ""
        found: Mapping[str, Any] = next(
            (v for v in (stats.get("network") or {}).values() if str(v.get("macAddr", "")).lower() == mac), {}
        )
        out[nic_id] = build("nic", nic_id, NIC_STATISTICS, nic_values(found), nic=Nic(id=nic_id))
    return out


def v3_context(rd: Reader, found: Sequence[Nic]) -> V3Context:
    """The network of each profile."""
    profiles = rd.get_many(VnicProfile, [str(n.vnic_profile.id) for n in found if n.vnic_profile])
    return V3Context(
        networks={i: str(p.network.id) for i, p in profiles.items() if p.network},
        mirrored=frozenset(i for i, p in profiles.items() if p.port_mirroring),
    )


_MAY = (Need(Permit.CONFIGURE_VM_NETWORK),)
NICS_OF_VM = Resource(
    type=Nic,
    collection="nics",
    v3_context=v3_context,
    list=Op(run=listed, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(
            Need(Permit.CONFIGURE_VM_NETWORK, "parent"),
            Need(
                Permit.CONFIGURE_VM_NETWORK,
                "vnic_profile",
                when=lambda n: n is not None and n.vnic_profile is not None and n.vnic_profile.id is not None,
            ),
        ),
        mandatory=("name",),
    ),
    update=Op(run=update, needs=_MAY),
    remove=Op(run=remove, needs=_MAY),
    actions=(
        ApiAction(name="activate", run=_switch(True), needs=_MAY, body=("async",)),
        ApiAction(name="deactivate", run=_switch(False), needs=_MAY, body=("async",)),
    ),
    subs=(
        Resource(
            type=ReportedDevice,
            collection="reporteddevices",
            list=Op(run=_reported_of_nics, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
        Resource(type=Statistic, collection="statistics", list=Op(run=_statistics, needs=PUBLIC), get=Op(needs=PUBLIC)),
        absent(NetworkFilterParameter, "networkfilterparameters"),
    ),
)
# What other searches ask of VMs' NICs.
SEARCH = SearchObject(
    table=NICS,
    prefix="Vnic",
    fields={
        "network_name": Field(
            "text",
            via=Join("vnic_profiles", "vnic_profile_id", "network_id", then=Join("networks", "network_id", "name")),
        ),
        "mac": Field("text", "mac_key"),
    },
)
