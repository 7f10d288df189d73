"""What a cluster may be: defaults and refusals. Pure.

Follows: `defaults_for_new.cluster` of engine 4.5; field limits; cluster part of the status matrix.
"""

from msgspec.structs import replace

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.enums import (
    Architecture,
    BiosType,
    FirewallType,
    InheritableBoolean,
    LogMaxMemoryUsedThresholdType,
    MigrateOnError,
    MigrationBandwidthAssignmentMethod,
    RngSource,
    SwitchType,
)
from ovis.engine.model.types import (
    Cluster,
    Cpu,
    ErrorHandling,
    FencingPolicy,
    Ksm,
    MemoryOverCommit,
    MemoryPolicy,
    MigrationBandwidth,
    MigrationOptions,
    MigrationPolicy,
    SchedulingPolicy,
    SkipIfConnectivityBroken,
    SkipIfSdActive,
    TransparentHugePages,
)
from ovis.engine.resources import texts
from ovis.engine.resources.levels import LATEST, level_of, level_text, supported, version_of
from ovis.engine.resources.migration_policies import MINIMAL_DOWNTIME
from ovis.engine.resources.texts import TextRule

NONE_POLICY = "b4ed2332-a7ac-4d5f-9596-99a439cb2812"
NAME_RULE = TextRule(40, 1, texts.NAME, too_long="VALIDATION_CLUSTER_NAME_MAX")


def defaults() -> Cluster:
    """What a cluster has when nobody says otherwise."""
    return Cluster(
        ballooning_enabled=True,
        bios_type=BiosType.Q35_SEA_BIOS,
        cpu=Cpu(architecture=Architecture.X86_64, type=""),
        error_handling=ErrorHandling(on_error=MigrateOnError.MIGRATE),
        fencing_policy=FencingPolicy(
            enabled=True,
            skip_if_connectivity_broken=SkipIfConnectivityBroken(enabled=False, threshold=50),
            skip_if_gluster_bricks_up=False,
            skip_if_gluster_quorum_not_met=False,
            skip_if_sd_active=SkipIfSdActive(enabled=False),
        ),
        firewall_type=FirewallType.FIREWALLD,
        gluster_service=False,
        ha_reservation=False,
        ksm=Ksm(enabled=True, merge_across_nodes=True),
        log_max_memory_used_threshold=95,
        log_max_memory_used_threshold_type=LogMaxMemoryUsedThresholdType.PERCENTAGE,
        memory_policy=MemoryPolicy(
            over_commit=MemoryOverCommit(percent=100), transparent_huge_pages=TransparentHugePages(enabled=True)
        ),
        migration=MigrationOptions(
            auto_converge=InheritableBoolean.INHERIT,
            bandwidth=MigrationBandwidth(assignment_method=MigrationBandwidthAssignmentMethod.AUTO),
            compressed=InheritableBoolean.INHERIT,
            encrypted=InheritableBoolean.INHERIT,
            policy=MigrationPolicy(id=MINIMAL_DOWNTIME),
        ),
        required_rng_sources=[RngSource.URANDOM],
        scheduling_policy=SchedulingPolicy(id=NONE_POLICY),
        switch_type=SwitchType.LEGACY,
        threads_as_cores=False,
        trusted_service=False,
        tunnel_migration=False,
        upgrade_in_progress=False,
        version=version_of(LATEST),
        virt_service=True,
        vnc_encryption=True,
    )


def refusals(cluster: Cluster, data_center_level: tuple[int, int] | None) -> list[Refusal]:
    """Everything wrong with a cluster's own values."""
    found = texts.text_refusals(cluster.name, "name", NAME_RULE)
    found += texts.text_refusals(cluster.description, "description", TextRule(4000))
    if not supported(cluster.version):
        found.append(
            Refusal(
                "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
                f"Compatibility version {level_text(cluster.version)} is not supported.",
                "",
                Kind.BAD,
            )
        )
    elif data_center_level is not None and level_of(cluster.version) < data_center_level:
        found.append(
            Refusal(
                "CLUSTER_CANNOT_ADD_COMPATIBILITY_VERSION_WITH_LOWER_STORAGE_POOL",
                "The compatibility version is lower than the data center's.",
            )
        )
    percent = (
        cluster.memory_policy.over_commit.percent
        if cluster.memory_policy and cluster.memory_policy.over_commit
        else None
    )
    if percent is not None and percent <= 0:
        found.append(
            Refusal(
                "CLUSTER_TO_ALLOW_MEMORY_OVERCOMMIT", f"{percent} % memory over-commit is not positive.", "", Kind.BAD
            )
        )
    return found


def settled(cluster: Cluster) -> Cluster:
    """With the architecture that its CPU type implies."""
    cpu = cluster.cpu or Cpu()
    if cpu.architecture in (None, Architecture.UNDEFINED):
        kind = cpu.type or ""
        arch = Architecture.PPC64 if "POWER" in kind else Architecture.S390X if "z1" in kind else Architecture.X86_64
        cpu = replace(cpu, architecture=arch)
    return replace(cluster, cpu=cpu)
