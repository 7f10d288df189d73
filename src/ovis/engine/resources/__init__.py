"""Everything the API offers, by name. A new resource adds its line here and nowhere else.

Does: list the root collections, tables, commands and first data for `main`. Does not: start anything.
"""

from collections.abc import Callable

from ovis.engine.commands import Command
from ovis.engine.declare.page import Page
from ovis.engine.declare.resource import Resource
from ovis.engine.resources import (
    affinity,
    affinity_labels,
    capabilities,
    completion,
    cross_search,
    dashboard,
    data_centers,
    defaults,
    events,
    held_permits,
    history,
    icons,
    instance_types,
    jobs,
    mac_pools,
    network_filters,
    networks,
    options,
    permissions,
    profiles,
    roles,
    scheduling_policies,
    small,
    stream,
    tags,
    user_options,
    users,
    vnic_profiles,
)
from ovis.engine.resources.balancing import tables as balancing_tables
from ovis.engine.resources.clusters import resource as clusters
from ovis.engine.resources.custom_properties import settings as custom_properties
from ovis.engine.resources.disks import (
    commands as disk_commands,
    convert as disk_convert,
    copy as disk_copy,
    move as disk_move,
    resource as disks,
    tables as disk_tables,
)
from ovis.engine.resources.hosts import (
    fence_agents as host_fence_agents,
    host_devices,
    resource as hosts,
    tables as host_tables,
    trouble as host_trouble,
)
from ovis.engine.resources.quotas import tables as quota_tables
from ovis.engine.resources.storage_domains import (
    commands as storage_commands,
    resource as storage_domains,
    tables as storage_tables,
)
from ovis.engine.resources.templates import (
    devices as template_devices,
    resource as templates,
    tables as template_tables,
)
from ovis.engine.resources.vm_pools import resource as vm_pools, tables as vm_pool_tables
from ovis.engine.resources.vms import (
    explain as vm_explain,
    external as vm_external,
    mediated as vm_mediated,
    nics as vm_nics,
    numa as vm_numa,
    resource as vms,
    state as vm_state,
    watchdogs as vm_watchdogs,
    web_console as vm_web_console,
)
from ovis.engine.resources.vms.snapshots import tables as snapshot_tables
from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Table

# In the order in which the entry point lists them.
RESOURCES: tuple[Resource, ...] = (
    clusters.RESOURCE,
    data_centers.RESOURCE,
    events.RESOURCE,
    hosts.RESOURCE,
    networks.RESOURCE,
    roles.RESOURCE,
    storage_domains.RESOURCE,
    tags.RESOURCE,
    small.BOOKMARKS,
    templates.RESOURCE,
    instance_types.RESOURCE,
    users.USERS_RESOURCE,
    users.GROUPS_RESOURCE,
    users.DOMAINS_RESOURCE,
    vm_pools.RESOURCE,
    vms.RESOURCE,
    disks.RESOURCE,
    jobs.RESOURCE,
    storage_domains.CONNECTIONS_RESOURCE,
    vnic_profiles.RESOURCE,
    profiles.DISK_PROFILES,
    profiles.CPU_PROFILES,
    scheduling_policies.POLICY_UNITS,
    scheduling_policies.POLICIES,
    affinity_labels.RESOURCE,
    vm_explain.EXPLAIN,
    permissions.RESOURCE,
    mac_pools.RESOURCE,
    network_filters.RESOURCE,
    small.OPERATING_SYSTEMS,
    icons.RESOURCE,
    *small.EMPTY,
    small.CLUSTER_LEVELS,
    options.RESOURCE,
    capabilities.RESOURCE,
)
# Beside the API, below `ovis`: docs/reference/live.md.
PAGES: tuple[Page, ...] = (
    *completion.PAGES,
    *dashboard.PAGES,
    *held_permits.PAGES,
    *history.PAGES,
    *stream.PAGES,
    *vm_web_console.PAGES,
)
TABLES: tuple[Table, ...] = (
    *mac_pools.TABLES,
    scheduling_policies.TABLE,
    scheduling_policies.UNITS_TABLE,
    data_centers.TABLE,
    clusters.TABLE,
    *affinity.TABLES,
    *balancing_tables.TABLES,
    *networks.TABLES,
    vnic_profiles.TABLE,
    *profiles.TABLES,
    *tags.TABLES,
    user_options.TABLE,
    history.TABLE,
    icons.TABLE,
    *small.TABLES,
    *instance_types.TABLES,
    custom_properties.TABLE,
    *host_tables.TABLES,
    host_fence_agents.TABLE,
    host_trouble.TABLE,
    host_devices.TABLE,
    vm_mediated.TABLE,
    *storage_tables.TABLES,
    *template_tables.TABLES,
    template_devices.TABLE,
    *vm_state.TABLES,
    *vm_pool_tables.TABLES,
    *quota_tables.TABLES,
    vm_watchdogs.TABLE,
    vm_numa.TABLE,
    vm_external.TABLE,
    *disk_tables.TABLES,
    *snapshot_tables.TABLES,
)
COMMANDS: tuple[Command, ...] = (
    *disk_commands.COMMANDS,
    *disk_copy.COMMANDS,
    *disk_convert.COMMANDS,
    *disk_move.COMMANDS,
    *hosts.COMMANDS,
    *storage_commands.COMMANDS,
    *templates.COMMANDS,
    *vms.COMMANDS,
    *vm_pools.COMMANDS,
)
# What an empty installation begins with; each makes only what is missing. (transaction, the installation's id)
SEEDS: tuple[Callable[[Tx, str], None], ...] = (
    mac_pools.seed,
    lambda tx, _: scheduling_policies.seed(tx),
    lambda tx, _: tags.seed(tx),
    lambda tx, _: icons.seed(tx),
    lambda tx, _: instance_types.seed(tx),
    lambda tx, _: templates.seed(tx),
    lambda tx, _: defaults.seed(tx),
)
# Rooms ask each other's searches by name.
cross_search.KNOWN.update({r.collection: r.search for r in RESOURCES if r.search is not None})
cross_search.KNOWN.update(cluster_networks=networks.CLUSTER_NETWORK_SEARCH, vnics=vm_nics.SEARCH)
