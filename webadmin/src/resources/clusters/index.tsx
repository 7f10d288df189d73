/** Clusters. Follows: web admin facts 2.3. */
import { type Row, items, post, remove, text, truth } from "../../api/client";
import { names } from "../../data/names";
import { version } from "../../ui/format";
import { words } from "../../ui/StateIcon";
import type { Resource } from "../declare";
import { hosts } from "../hosts";
import { column, factsTab, permissionsTab, removeAction } from "../parts/common";
import { listTab, subTable } from "../parts/subTable";
import { vms } from "../vms";
import { quoted } from "../../shell/scope";
import { formatAddress } from "../../router";
import { Tally } from "../parts/Tally";

const policy = (row: Row): string => names.of("schedulingpolicies", text(row, "scheduling_policy.id"));

export const clusters: Resource = {
  place: "clusters",
  entity: "Cluster",
  collection: "clusters",
  label: "Clusters",
  one: "cluster",
  many: "clusters",
  icon: "cluster",
  prefix: "Clusters",
  title: (row) => text(row, "name"),
  sort: { field: "name", down: false },
  whenEmpty: "new",
  summary: (row) => [names.of("datacenters", text(row, "data_center.id")), text(row, "cpu.type")].filter(Boolean).join(" · "),
  scopes: { datacenter: (name) => `datacenter = ${name}`, cluster: (name) => `name = ${name}` },
  columns: [
    column("name", "Name", 180, "name", { flex: true, sort: "name" }),
    column("comment", "Comment", 140, "comment", { sort: "comment" }),
    { id: "datacenter", label: "Data Center", width: 110, sort: "datacenter", text: (row) => names.of("datacenters", text(row, "data_center.id")) },
    { id: "version", label: "Compatibility Version", width: 140, sort: "compatibility_level", text: (row) => version(row["version"]) },
    column("cpu", "CPU Type", 190, "cpu.type", { sort: "cpu_type" }),
    { id: "hosts", label: "Host Count", width: 84, align: "right", text: () => "", render: (row) => <Tally search={`/hosts?search=cluster = ${quoted(row.name ?? "")}`} /> },
    { id: "vms", label: "VM Count", width: 84, align: "right", text: () => "", render: (row) => <Tally search={`/vms?search=cluster = ${quoted(row.name ?? "")}`} /> },
    { id: "policy", label: "Scheduling Policy", width: 150, extra: true, text: policy },
    column("description", "Description", 200, "description", { sort: "description" }),
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_cluster", dialog: "cluster-edit" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_cluster_configuration", dialog: "cluster-edit" },
    removeAction("clusters", "Remove Cluster(s)", "delete_cluster"),
    { id: "balance", label: "Balance", icon: "policy", group: "admin", on: "one", more: true, permit: "edit_cluster_configuration", run: (row) => post(`/clusters/${row.id}/balance`), done: "balanced" },
    { id: "resetEmulatedMachine", label: "Reset Emulated Machine", group: "admin", on: "one", more: true, permit: "edit_cluster_configuration", run: (row) => post(`/clusters/${row.id}/resetemulatedmachine`), done: "reset" },
    { id: "guide", label: "Guide Me", icon: "guide", group: "tags", on: "one", more: true, dialog: "cluster-guide" },
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Description", text(row, "description")],
        ["Data Center", names.of("datacenters", text(row, "data_center.id"))],
        ["Compatibility Version", version(row["version"])],
        ["CPU Type", text(row, "cpu.type")],
        ["Architecture", text(row, "cpu.architecture")],
        ["Chipset/Firmware Type", words(text(row, "bios_type"))],
      ],
      [
        ["Scheduling Policy", policy(row)],
        ["Memory Overcommit", `${text(row, "memory_policy.over_commit.percent") || 100} %`],
        ["Ballooning", truth(row, "ballooning_enabled") ? "On" : "Off"],
        ["KSM", truth(row, "ksm.enabled") ? "On" : "Off"],
        ["Threads as Cores", truth(row, "threads_as_cores") ? "Yes" : "No"],
        ["Resilience Policy", words(text(row, "error_handling.on_error"))],
      ],
      [
        ["Switch Type", text(row, "switch_type")],
        ["Firewall Type", text(row, "firewall_type")],
        ["MAC Pool", names.of("macpools", text(row, "mac_pool.id"))],
        ["Management Network", names.of("networks", text(row, "management_network.id"))],
        ["Fencing", truth(row, "fencing_policy.enabled") ? "On" : "Off"],
        ["Cluster ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    subTable({
      token: "logical_networks",
      label: "Logical Networks",
      place: "Network",
      one: "network",
      many: "networks",
      collection: "networks",
      path: (row) => `/clusters/${row.id}/networks`,
      state: (row) => (text(row, "status") === "operational" ? { shape: "up", tone: "green", word: "Operational" } : { shape: "warning", tone: "amber", word: words(text(row, "status")) }),
      href: (row) => formatAddress({ place: "networks", tab: "general", params: { id: row.id } }),
      columns: [
        column("name", "Name", 180, "name", { flex: true }),
        { id: "status", label: "Status", width: 110, text: (row) => words(text(row, "status")) },
        { id: "role", label: "Role", width: 200, text: (row) => [...new Set([...(items(row, "usages") as unknown as string[]), ...(truth(row, "display") ? ["display"] : [])])].map(words).join(", ") },
        { id: "required", label: "Required", width: 80, text: (row) => (truth(row, "required") ? "Yes" : "No") },
        column("description", "Description", 220),
      ],
      actions: (parent) => [
        { id: "add", label: "Add Network", icon: "plus", group: "new", on: "none", dialog: "network-edit" },
        { id: "manage", label: "Manage Networks", icon: "wrench", group: "edit", on: "none", dialog: "cluster-networks" },
        { ...removeAction("networks", "Detach Network(s)", undefined), label: "Detach", run: (row) => remove(`/clusters/${parent.id}/networks/${row.id}`), done: "detached" },
      ],
    }),
    listTab({ token: "hosts", label: "Hosts", place: "Host", of: () => hosts, search: (row) => `cluster = ${quoted(row.name ?? "")}`, without: ["cluster", "datacenter"] }),
    listTab({ token: "virtual_machines", label: "Virtual Machines", place: "VirtualMachine", of: () => vms, search: (row) => `cluster = ${quoted(row.name ?? "")}`, without: ["cluster", "datacenter"] }),
    subTable({
      token: "affinity_groups",
      label: "Affinity Groups",
      place: "AffinityGroup",
      one: "affinity group",
      many: "affinity groups",
      path: (row) => `/clusters/${row.id}/affinitygroups`,
      columns: [
        column("name", "Name", 180, "name", { flex: true }),
        column("description", "Description", 200),
        column("priority", "Priority", 70, "priority", { align: "right" }),
        { id: "vmRule", label: "VM Affinity Rule", width: 150, text: (row) => rule(row, "vms_rule") },
        { id: "hostRule", label: "Host Affinity Rule", width: 150, text: (row) => rule(row, "hosts_rule") },
      ],
      actions: (parent) => [
        { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "affinity-group-edit" },
        { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "affinity-group-edit" },
        { ...removeAction("affinitygroups", "Remove Affinity Group(s)", undefined), run: (row) => remove(`/clusters/${parent.id}/affinitygroups/${row.id}`) },
      ],
    }),
    subTable({
      token: "cpu_profiles",
      label: "CPU Profiles",
      place: "CpuProfile",
      one: "CPU profile",
      many: "CPU profiles",
      path: (row) => `/clusters/${row.id}/cpuprofiles`,
      columns: [column("name", "Name", 200, "name", { flex: true }), column("description", "Description", 300)],
      actions: (parent) => [
        { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "cpu-profile-edit" },
        { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "cpu-profile-edit" },
        { ...removeAction("cpuprofiles", "Remove CPU Profile(s)", undefined), run: (row) => remove(`/clusters/${parent.id}/cpuprofiles/${row.id}`) },
      ],
    }),
    permissionsTab("clusters"),
  ],
};

function rule(row: Row, name: string): string {
  if (!truth(row, `${name}.enabled`)) return "Disabled";
  return `${truth(row, `${name}.positive`) ? "Positive" : "Negative"}, ${truth(row, `${name}.enforcing`) ? "hard" : "soft"}`;
}
