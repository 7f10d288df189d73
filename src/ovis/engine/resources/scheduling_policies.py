"""Scheduling policies and units: /schedulingpolicies, /schedulingpolicyunits.

Does: show what engine 4.5 ships, with its ids, factors and properties. Does not: schedule (scheduling).
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import ADMIN, PUBLIC, Op, Resource
from ovis.engine.model.enums import PolicyUnitType
from ovis.engine.model.types import Balance, Filter, Property, SchedulingPolicy, SchedulingPolicyUnit, Weight
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Table, name_columns

# (name, type, id, properties with their patterns)
_UNITS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("CPU", "filter", "6d636bf6-a35c-4f9d-b68d-0731f720cddc", {}),
    ("CPU-Level", "filter", "438b052c-90ab-40e8-9be0-a22560202ea6", {}),
    (
        "CPUOverloaded",
        "filter",
        "98842bc5-4094-4b83-8224-7b50f86a94c9",
        {"HighUtilization": "^([5-9][0-9])$", "CpuOverCommitDurationMinutes": "^([1-9][0-9]*)$"},
    ),
    ("CPUTopology", "filter", "35c2f1a5-8928-48e9-81ac-4c49eb49d60e", {}),
    ("ClusterInMaintenance", "filter", "0bd8fef9-bcb4-4250-9998-410f01608d9b", {}),
    ("Compatibility-Version", "filter", "3e4a7d54-9e7f-11e5-8994-feff819cdc9f", {}),
    ("CpuPinning", "filter", "6d636bf6-a35c-4f9d-b68d-0731f731cddc", {}),
    ("Emulated-Machine", "filter", "58894b5b-d55d-4f85-8f82-5bf217e640b0", {}),
    ("HA", "filter", "e659c871-0bf1-4ccc-b748-f28f5d08dffd", {}),
    ("Host-hooks", "filter", "aae8c702-4756-4934-b84c-8daf59efc134", {}),
    ("HostDevice", "filter", "728a21f1-f97e-4d32-bc3e-b3cc49756abb", {}),
    ("HostedEngineSpares", "filter", "53bff075-8306-446f-a53b-9c872a29d197", {"HeSparesCount": "^([0-9][0-9]*)$"}),
    ("HugePages", "filter", "23e07b34-66dd-4735-bc45-bcddded02c05", {}),
    ("InClusterUpgrade", "filter", "84e6ddee-ab0d-42dd-82f0-c298889db567", {}),
    ("MDevice", "filter", "aa604ea6-f758-4d28-8e05-bf5f4a0818bd", {}),
    ("Memory", "filter", "c9ddbb34-0e1d-4061-a8d7-b0893fa80932", {}),
    ("Migration", "filter", "e659c871-0bf1-4ccc-b748-f28f5d08ddda", {}),
    ("Migration-Tsc-Frequency", "filter", "47ea3cd0-8a2f-438d-9f63-49534178882a", {}),
    ("NUMA", "filter", "fcbfe4b1-b83e-4428-b9d3-b3d348b93be6", {}),
    ("Network", "filter", "72163d1c-9468-4480-99d9-0888664eb143", {}),
    ("PinToHost", "filter", "12262ab6-9690-4bc3-a2b3-35573b172d54", {}),
    ("Swap", "filter", "43b9e654-337f-4b0d-a896-cbb22ce5a7fc", {"MaximumAllowedSwapUsage": "^1?[0-9]?[0-9]$"}),
    ("VM leases ready", "filter", "b454ae40-f767-45b1-949a-7e5bd04d83ab", {}),
    ("VmAffinityGroups", "filter", "84e6ddee-ab0d-42dd-82f0-c297779db566", {}),
    ("VmToHostsAffinityGroups", "filter", "e69808a9-8a41-40f1-94ba-dd5d385d82d8", {}),
    ("None", "load_balancing", "38440000-8cf0-14bd-c43e-10b96e4ef00a", {}),
    (
        "OptimalForEvenDistribution",
        "load_balancing",
        "7db4ab05-81ab-42e8-868a-aee2df483ed2",
        {
            "HighUtilization": "^([5-9][0-9])$",
            "MaxFreeMemoryForOverUtilized": "^([1-9][0-9]*)$",
            "MinFreeMemoryForUnderUtilized": "^([1-9][0-9]*)$",
            "CpuOverCommitDurationMinutes": "^([1-9][0-9]*)$",
            "VCpuToPhysicalCpuRatio": "^([0-2](\\.([0-9]+))?)$",
        },
    ),
    (
        "OptimalForEvenGuestDistribution",
        "load_balancing",
        "d58c8e32-44e1-418f-9222-52cd887bf9e0",
        {
            "SpmVmGrace": "^([0-9]|[1-9][0-9]+)$",
            "HighVmCount": "^([0-9]|[1-9][0-9]+)$",
            "MigrationThreshold": "^([2-9]|[1-9][0-9]+)$",
        },
    ),
    (
        "OptimalForPowerSaving",
        "load_balancing",
        "736999d0-1023-46a4-9a75-1316ed50e151",
        {
            "HighUtilization": "^([5-9][0-9])$",
            "MaxFreeMemoryForOverUtilized": "^([1-9][0-9]*)$",
            "MinFreeMemoryForUnderUtilized": "^([1-9][0-9]*)$",
            "CpuOverCommitDurationMinutes": "^([1-9][0-9]*)$",
            "LowUtilization": "^([0-9]|[1-4][0-9])$",
            "EnableAutomaticHostPowerManagement": "^(true|false)$",
            "HostsInReserve": "^[0-9][0-9]*$",
        },
    ),
    ("BasicWeighting", "selector", "0c89f215-9c4f-4bbb-8419-31a2d43ae7ea", {}),
    ("RankSelector", "selector", "b280e7de-5df8-401e-b004-a1414d79a687", {}),
    ("CPU and NUMA pinning compatibility", "weight", "1b14ac11-20e9-4593-a149-2eb83c60a330", {}),
    ("CPU for high performance VMs", "weight", "71931e14-f0e6-4f91-a7c8-d494a26e3a09", {}),
    ("Fit VM to single host NUMA node", "weight", "f58c1cb9-d91f-48a6-a196-c6d22fb10c4e", {}),
    ("HA", "weight", "98e92667-6161-41fb-b3fa-34f820ccbc4b", {}),
    ("InClusterUpgrade", "weight", "84e6ddee-ab0d-42dd-82f0-c298889db568", {}),
    (
        "OptimalForCpuEvenDistribution",
        "weight",
        "7db4ab05-81ab-42e8-868a-aee2df483edb",
        {"VCpuToPhysicalCpuRatio": "^([0-2](\\.([0-9]+))?)$"},
    ),
    (
        "OptimalForCpuPowerSaving",
        "weight",
        "736999d0-1023-46a4-9a75-1316ed50e15b",
        {"HighUtilization": "^([5-9][0-9])$"},
    ),
    (
        "OptimalForEvenGuestDistribution",
        "weight",
        "3ba8c988-f779-42c0-90ce-caa8243edee7",
        {"SpmVmGrace": "^([0-9]|[1-9][0-9]+)$"},
    ),
    (
        "OptimalForHaReservation",
        "weight",
        "7f262d70-6cac-11e3-981f-0800200c9a66",
        {"ScaleDown": "(100|[1-9]|[1-9][0-9])$"},
    ),
    ("OptimalForMemoryEvenDistribution", "weight", "4134247a-9c58-4b9a-8593-530bb9e37c59", {}),
    (
        "OptimalForMemoryPowerSaving",
        "weight",
        "9dfe6086-646d-43b8-8eef-4d94de8472c8",
        {"MaxFreeMemoryForOverUtilized": "^([1-9][0-9]*)$", "MinFreeMemoryForUnderUtilized": "^([1-9][0-9]*)$"},
    ),
    ("PreferredHosts", "weight", "591cdb81-ba67-45b4-9642-e28f61a97d57", {}),
    ("VmAffinityGroups", "weight", "84e6ddee-ab0d-42dd-82f0-c297779db567", {}),
    ("VmToHostsAffinityGroups", "weight", "427aed70-dae3-48ba-8fe9-a902a9d563c8", {}),
)
_STANDARD: tuple[str, ...] = (
    "CPU",
    "CPUOverloaded",
    "Emulated-Machine",
    "HA",
    "Swap",
    "Memory",
    "NUMA",
    "HugePages",
    "Migration",
    "VmAffinityGroups",
    "VmToHostsAffinityGroups",
    "Network",
    "HostedEngineSpares",
    "Migration-Tsc-Frequency",
    "Host-hooks",
)
# (name, id, default, filters, weights with factors, balance, properties)
_POLICIES: tuple[tuple[str, str, bool, tuple[str, ...], tuple[tuple[str, int], ...], str, dict[str, str]], ...] = (
    (
        "none",
        "b4ed2332-a7ac-4d5f-9596-99a439cb2812",
        True,
        _STANDARD,
        (
            ("OptimalForCpuEvenDistribution", 2),
            ("OptimalForMemoryEvenDistribution", 1),
            ("PreferredHosts", 99),
            ("HA", 1),
            ("OptimalForHaReservation", 1),
            ("VmAffinityGroups", 1),
            ("VmToHostsAffinityGroups", 20),
            ("CPU for high performance VMs", 4),
            ("CPU and NUMA pinning compatibility", 5),
        ),
        "None",
        {"CpuOverCommitDurationMinutes": "2", "HighUtilization": "80"},
    ),
    (
        "cluster_maintenance",
        "7677771e-5eab-422e-83fa-dc04080d21b7",
        False,
        (
            "ClusterInMaintenance",
            "CPU",
            "CPUOverloaded",
            "Emulated-Machine",
            "HA",
            "Swap",
            "Memory",
            "NUMA",
            "HugePages",
            "Migration",
            "VmAffinityGroups",
            "VmToHostsAffinityGroups",
            "Network",
            "HostedEngineSpares",
            "Migration-Tsc-Frequency",
            "Host-hooks",
        ),
        (
            ("OptimalForCpuEvenDistribution", 2),
            ("OptimalForMemoryEvenDistribution", 1),
            ("PreferredHosts", 99),
            ("HA", 1),
            ("OptimalForHaReservation", 1),
            ("VmAffinityGroups", 1),
            ("VmToHostsAffinityGroups", 20),
            ("CPU for high performance VMs", 4),
            ("CPU and NUMA pinning compatibility", 5),
        ),
        "None",
        {"CpuOverCommitDurationMinutes": "2", "HighUtilization": "80"},
    ),
    (
        "evenly_distributed",
        "20d25257-b4bd-4589-92a6-c4c5c5d3fd1a",
        False,
        _STANDARD,
        (
            ("OptimalForCpuEvenDistribution", 2),
            ("OptimalForMemoryEvenDistribution", 1),
            ("PreferredHosts", 99),
            ("HA", 1),
            ("OptimalForHaReservation", 1),
            ("VmAffinityGroups", 1),
            ("VmToHostsAffinityGroups", 20),
            ("CPU for high performance VMs", 4),
            ("CPU and NUMA pinning compatibility", 5),
        ),
        "OptimalForEvenDistribution",
        {
            "HeSparesCount": "0",
            "CpuOverCommitDurationMinutes": "2",
            "HighUtilization": "80",
            "VCpuToPhysicalCpuRatio": "0",
        },
    ),
    (
        "power_saving",
        "5a2b0939-7d46-4b73-a469-e9c2c7fc6a53",
        False,
        _STANDARD,
        (
            ("OptimalForCpuPowerSaving", 2),
            ("OptimalForMemoryPowerSaving", 1),
            ("PreferredHosts", 99),
            ("HA", 1),
            ("OptimalForHaReservation", 1),
            ("VmAffinityGroups", 1),
            ("VmToHostsAffinityGroups", 20),
            ("CPU for high performance VMs", 4),
            ("CPU and NUMA pinning compatibility", 5),
        ),
        "OptimalForPowerSaving",
        {"HeSparesCount": "0", "CpuOverCommitDurationMinutes": "2", "HighUtilization": "80", "LowUtilization": "20"},
    ),
    (
        "vm_evenly_distributed",
        "8d5d7bec-68de-4a67-b53e-0ac54686d579",
        False,
        _STANDARD,
        (
            ("OptimalForEvenGuestDistribution", 2),
            ("PreferredHosts", 99),
            ("HA", 1),
            ("OptimalForHaReservation", 1),
            ("VmAffinityGroups", 1),
            ("VmToHostsAffinityGroups", 20),
            ("CPU for high performance VMs", 4),
            ("CPU and NUMA pinning compatibility", 5),
        ),
        "OptimalForEvenGuestDistribution",
        {
            "HeSparesCount": "0",
            "CpuOverCommitDurationMinutes": "2",
            "HighUtilization": "80",
            "HighVmCount": "10",
            "MigrationThreshold": "5",
            "SpmVmGrace": "5",
        },
    ),
    (
        "InClusterUpgrade",
        "8d5d7bec-68de-4a67-b53e-0ac54686d586",
        False,
        ("Emulated-Machine", "Network", "Migration", "Swap", "Memory", "CPU", "InClusterUpgrade"),
        (("InClusterUpgrade", 1),),
        "None",
        {},
    ),
)
TABLE = Table(name="scheduling_policies", type=SchedulingPolicy, columns=name_columns(), unique=(("name_key",),))
_BY_NAME = {(name, kind): id_ for name, kind, id_, _ in _UNITS}
UNITS: Mapping[str, SchedulingPolicyUnit] = {
    id_: SchedulingPolicyUnit(
        id=id_,
        name=name,
        type=None if kind == "selector" else PolicyUnitType(kind),  # the API has no type for selectors
        enabled=True,
        internal=True,
        properties=[Property(name=n, value=v) for n, v in properties.items()] or None,
    )
    for name, kind, id_, properties in _UNITS
}


def _unit(name: str, kind: str) -> SchedulingPolicyUnit:
    return SchedulingPolicyUnit(id=_BY_NAME[(name, kind)])


def seed(tx: Tx) -> None:
    """The shipped policies, locked."""
    for name, id_, default, filters, weights, balance, properties in _POLICIES:
        if tx.get(SchedulingPolicy, id_) is not None:
            continue
        tx.insert(
            SchedulingPolicy(
                id=id_,
                name=name,
                description=name,
                locked=True,
                default_policy=default,
                properties=[Property(name=n, value=v) for n, v in properties.items()],
                filters=[
                    Filter(id=_BY_NAME[(f, "filter")], scheduling_policy_unit=_unit(f, "filter"), position=0)
                    for f in filters
                ],
                weight=[
                    Weight(id=_BY_NAME[(w, "weight")], scheduling_policy_unit=_unit(w, "weight"), factor=factor)
                    for w, factor in weights
                ],
                balances=[
                    Balance(
                        id=_BY_NAME[(balance, "load_balancing")],
                        scheduling_policy_unit=_unit(balance, "load_balancing"),
                    )
                ]
                if (balance, "load_balancing") in _BY_NAME
                else [],
            )
        )


def _shown(rd: Reader, call: Call, found: Sequence[SchedulingPolicy]) -> list[SchedulingPolicy]:
    return [replace(p, filters=None, weight=None, balances=None) for p in found]


def _part(name: str) -> Resource:
    types = {"filters": Filter, "weights": Weight, "balances": Balance}

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Filter | Weight | Balance]]:
        policies = rd.get_many(SchedulingPolicy, parents)
        attribute = "weight" if name == "weights" else name
        return {p: list(getattr(policies[p], attribute) or ()) if p in policies else [] for p in parents}

    return Resource(type=types[name], collection=name, list=Op(run=listed, needs=PUBLIC), get=Op(needs=PUBLIC))


def _units(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[SchedulingPolicyUnit]]:
    return {"": list(UNITS.values())}


POLICIES = Resource(
    type=SchedulingPolicy,
    collection="schedulingpolicies",
    table=TABLE,
    derive=_shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    subs=(_part("filters"), _part("weights"), _part("balances")),
)
POLICY_UNITS = Resource(
    type=SchedulingPolicyUnit, collection="schedulingpolicyunits", list=Op(run=_units, needs=ADMIN), get=Op(needs=ADMIN)
)
__all__ = ["POLICIES", "POLICY_UNITS", "TABLE", "UNITS", "seed"]
