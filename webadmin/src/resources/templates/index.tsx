/** Templates. Follows: web admin facts 2.3. */
import { type Row, items, number, text } from "../../api/client";
import { names } from "../../data/names";
import { bytes, exact } from "../../ui/format";
import { stateTable, words } from "../../ui/StateIcon";
import type { Resource } from "../declare";
import { column, eventsTab, factsTab, permissionsTab, removeAction, tagsAction } from "../parts/common";
import { listTab, subTable } from "../parts/subTable";
import { allocation, diskState } from "../disks";
import { quoted } from "../../shell/scope";
import { vms } from "../vms";

const states = stateTable({ ok: ["green", "ok"], lock: ["grey", "locked"], bad: ["red", "illegal"] });
const cluster = (row: Row): Row | undefined => names.row("clusters", text(row, "cluster.id"));
const word = (row: Row): string => (text(row, "status") === "ok" ? "OK" : words(text(row, "status")));
const BLANK = "00000000-0000-0000-0000-000000000000";

export const templates: Resource = {
  place: "templates",
  entity: "Template",
  collection: "templates",
  label: "Templates",
  one: "template",
  many: "templates",
  icon: "template",
  prefix: "Template",
  title: (row) => text(row, "name"),
  sort: { field: "name", down: false },
  state: (row) => ({ ...states(text(row, "status")), word: word(row) }),
  summary: (row) => [word(row), text(cluster(row), "name")].filter(Boolean).join(" · "),
  scopes: { datacenter: (name) => `datacenter = ${name}`, cluster: (name) => `cluster = ${name}`, template: (name) => `name = ${name}` },
  columns: [
    column("name", "Name", 180, "name", { flex: true, sort: "name" }),
    { id: "version", label: "Version", width: 120, sort: "version_number", text: (row) => (text(row, "version.version_number") ? `${text(row, "version.version_name")} (${text(row, "version.version_number")})`.trim() : "") },
    column("comment", "Comment", 120, "comment", { sort: "comment", extra: true }),
    { id: "created", label: "Creation Date", width: 150, sort: "creationdate", text: (row) => exact(row["creation_time"]) },
    { id: "status", label: "Status", width: 90, sort: "status", text: word },
    { id: "cluster", label: "Cluster", width: 100, sort: "cluster", text: (row) => text(cluster(row), "name") },
    { id: "datacenter", label: "Data Center", width: 100, sort: "datacenter", text: (row) => names.of("datacenters", text(cluster(row), "data_center.id")) },
    column("description", "Description", 240, "description", { sort: "description" }),
  ],
  actions: [
    { id: "import", label: "Import", icon: "download", group: "new", on: "none", dialog: "template-import" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_template_properties", dialog: "template-edit" },
    removeAction("templates", "Remove Template(s)", "delete_template", { refuse: (row) => (row.id === BLANK ? { short: "built in", long: "Blank is built in. It cannot be removed." } : text(row, "status") === "locked" ? { short: "locked", long: `${row.name} is locked by a task.` } : undefined) }),
    { id: "newVm", label: "New VM", icon: "vm", group: "run", on: "one", permit: "create_vm", dialog: "vm-from-template" },
    { id: "export", label: "Export", icon: "upload", group: "copy", on: "one", more: true, dialog: "template-export" },
    tagsAction,
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Name", text(row, "name")],
        ["Description", text(row, "description")],
        ["Operating System", text(row, "os.type").replace(/_/g, " ")],
        ["Optimized for", words(text(row, "type"))],
      ],
      [
        ["Cluster", text(cluster(row), "name")],
        ["Created", exact(row["creation_time"])],
        ["Graphics protocol", text(row, "display.type").toUpperCase()],
        ["Origin", text(row, "origin")],
      ],
      [
        ["Defined Memory", bytes(number(row, "memory"))],
        ["vCPUs", ["sockets", "cores", "threads"].map((part) => text(row, `cpu.topology.${part}`)).join(":")],
        ["Highly Available", text(row, "high_availability.enabled") === "true" ? "Yes" : "No"],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    listTab({ token: "virtual_machines", label: "Virtual Machines", place: "VirtualMachine", of: () => vms, search: (row) => `template = ${quoted(row.name ?? "")}` }),
    subTable({
      token: "network_interfaces",
      label: "Network Interfaces",
      place: "NetworkInterface",
      one: "network interface",
      many: "network interfaces",
      path: (row) => `/templates/${row.id}/nics`,
      columns: [column("name", "Name", 160, "name", { flex: true }), { id: "profile", label: "Profile", width: 160, text: (row) => names.of("vnicprofiles", text(row, "vnic_profile.id")) }, column("interface", "Type", 110)],
    }),
    subTable({
      token: "disks",
      label: "Disks",
      one: "disk",
      many: "disks",
      path: (row) => `/templates/${row.id}/diskattachments?follow=disk`,
      state: (row) => diskState(text(row, "disk.status")),
      columns: [
        column("alias", "Alias", 160, "disk.alias", { flex: true }),
        { id: "size", label: "Virtual Size", width: 100, align: "right", text: (row) => bytes(number(row, "disk.provisioned_size")) },
        { id: "actual", label: "Actual Size", width: 100, align: "right", text: (row) => bytes(number(row, "disk.actual_size")) },
        { id: "allocation", label: "Allocation Policy", width: 120, text: (row) => allocation(row["disk"] as Row) },
        { id: "storage", label: "Storage Domain", width: 150, text: (row) => items(row, "disk.storage_domains").map((domain) => names.of("storagedomains", domain.id)).join(", ") },
        column("interface", "Interface", 110),
      ],
    }),
    permissionsTab("templates"),
    eventsTab("_event_template_id"),
  ],
};
