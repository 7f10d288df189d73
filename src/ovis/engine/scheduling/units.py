"""All units that come with the engine, by id and by kind and name. Pure."""

from collections.abc import Mapping

from ovis.engine.scheduling.balancers import even, even_guest, none, power_saving
from ovis.engine.scheduling.filters import (
    cluster_in_maintenance,
    compatibility_version,
    cpu,
    cpu_level,
    cpu_overloaded,
    cpu_pinning,
    cpu_topology,
    emulated_machine,
    ha,
    host_device,
    host_hooks,
    hosted_engine_spares,
    huge_pages,
    in_cluster_upgrade,
    mdevice,
    memory,
    migration,
    migration_tsc_frequency,
    network,
    numa,
    pin_to_host,
    swap,
    vm_affinity_groups,
    vm_leases,
    vm_to_hosts_affinity_groups,
)
from ovis.engine.scheduling.selectors import RANK, SUM
from ovis.engine.scheduling.unit import Balancer, Filter, Kind, Unit, Weight
from ovis.engine.scheduling.weights import (
    cpu_even,
    cpu_power,
    even_guest as even_guest_weight,
    ha as ha_weight,
    ha_reservation,
    high_performance_cpu,
    in_cluster_upgrade as in_cluster_upgrade_weight,
    memory_even,
    memory_power,
    pinning_compatibility,
    preferred_hosts,
    single_numa_node,
    vm_affinity_groups as vm_affinity_weight,
    vm_to_hosts_affinity_groups as vm_to_hosts_weight,
)

# Mandatory ones first, in the order in which they run.
FILTERS: tuple[Filter, ...] = (
    pin_to_host.UNIT,
    host_device.UNIT,
    compatibility_version.UNIT,
    cpu_level.UNIT,
    cpu_topology.UNIT,
    cpu_pinning.UNIT,
    vm_leases.UNIT,
    mdevice.UNIT,
    cpu.UNIT,
    cpu_overloaded.UNIT,
    emulated_machine.UNIT,
    ha.UNIT,
    swap.UNIT,
    memory.UNIT,
    numa.UNIT,
    huge_pages.UNIT,
    migration.UNIT,
    vm_affinity_groups.UNIT,
    vm_to_hosts_affinity_groups.UNIT,
    network.UNIT,
    hosted_engine_spares.UNIT,
    migration_tsc_frequency.UNIT,
    host_hooks.UNIT,
    cluster_in_maintenance.UNIT,
    in_cluster_upgrade.UNIT,
)
WEIGHTS: tuple[Weight, ...] = (
    cpu_even.UNIT,
    memory_even.UNIT,
    cpu_power.UNIT,
    memory_power.UNIT,
    even_guest_weight.UNIT,
    preferred_hosts.UNIT,
    ha_weight.UNIT,
    ha_reservation.UNIT,
    vm_affinity_weight.UNIT,
    vm_to_hosts_weight.UNIT,
    high_performance_cpu.UNIT,
    pinning_compatibility.UNIT,
    single_numa_node.UNIT,
    in_cluster_upgrade_weight.UNIT,
)
BALANCERS: tuple[Balancer, ...] = (none.UNIT, even.UNIT, even_guest.UNIT, power_saving.UNIT)
MANDATORY: tuple[Filter, ...] = tuple(f for f in FILTERS if f.mandatory)
UNITS: tuple[Unit, ...] = (*FILTERS, *WEIGHTS, *BALANCERS, RANK, SUM)
BY_ID: Mapping[str, Unit] = {u.id: u for u in UNITS}
BY_NAME: Mapping[tuple[Kind, str], Unit] = {(u.kind, u.name): u for u in UNITS}
