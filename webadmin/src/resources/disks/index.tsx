/** Disks. Follows: web admin facts 2.3. */
import { type Row, items, number, post, remove, text, truth } from "../../api/client";
import { names } from "../../data/names";
import { bytes } from "../../ui/format";
import { stateTable, words } from "../../ui/StateIcon";
import { type Resource, onlyIn } from "../declare";
import { column, factsTab, namesOf, permissionsTab } from "../parts/common";
import { subTable } from "../parts/subTable";
import { formatAddress } from "../../router";

export const diskState = stateTable({ ok: ["green", "ok"], lock: ["grey", "locked"], bad: ["red", "illegal"] });
const only = onlyIn("ok", "OK", "do that", "disk");
const domains = (row: Row): string => items(row, "storage_domains").map((domain) => names.of("storagedomains", domain.id)).filter(Boolean).join(", ");
export const allocation = (row: Row): string => (truth(row, "sparse") ? "Thin Provision" : "Preallocated");
const users = (row: Row): string => items(row, "vms").map((vm) => names.of("vms", vm.id)).filter(Boolean).join(", ");
const fill = (row: Row): number | undefined => {
  const whole = number(row, "provisioned_size");
  const used = number(row, "actual_size");
  return whole && used !== undefined ? (used / whole) * 100 : undefined;
};

export const disks: Resource = {
  place: "disks",
  entity: "Disk",
  collection: "disks",
  label: "Disks",
  one: "disk",
  many: "disks",
  icon: "disk",
  prefix: "Disks",
  title: (row) => text(row, "alias") || text(row, "name"),
  sort: { field: "alias", down: false },
  whenEmpty: "new",
  state: (row) => ({ ...diskState(text(row, "status") || "ok"), ...(text(row, "status") === "ok" ? { word: "OK" } : {}) }),
  summary: (row) => [bytes(number(row, "provisioned_size")), domains(row)].filter(Boolean).join(" · "),
  scopes: { storage: (name) => `storage = ${name}` },
  columns: [
    { id: "alias", label: "Alias", width: 160, flex: true, sort: "alias", text: (row) => text(row, "alias") || text(row, "name") },
    { id: "icons", label: "Shared", width: 62, sort: "shareable", text: (row) => (truth(row, "shareable") ? "Yes" : "") },
    { id: "attached", label: "Attached To", width: 130, text: users },
    { id: "storage", label: "Storage Domain(s)", width: 130, sort: "storage", text: domains },
    { id: "size", label: "Virtual Size", width: 88, align: "right", sort: "provisioned_size", text: (row) => bytes(number(row, "provisioned_size")) },
    { id: "actual", label: "Actual Size", width: 130, sort: "actual_size", text: (row) => bytes(number(row, "actual_size")), level: fill },
    { id: "allocation", label: "Allocation Policy", width: 112, sort: "allocation_policy", text: allocation },
    { id: "status", label: "Status", width: 80, sort: "status", text: (row) => (text(row, "status") === "ok" ? "OK" : words(text(row, "status"))) },
    { id: "type", label: "Type", width: 70, sort: "disk_type", text: (row) => words(text(row, "storage_type")) },
    { id: "content", label: "Content", width: 90, extra: true, sort: "disk_content_type", text: (row) => words(text(row, "content_type")) },
    { id: "format", label: "Format", width: 70, extra: true, text: (row) => text(row, "format").toUpperCase() },
    column("id", "ID", 270, "id", { extra: true, mono: true, sort: "id" }),
    column("description", "Description", 180, "description", { extra: true, sort: "description" }),
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_disk", dialog: "disk-edit" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_disk_properties", refuse: only, dialog: "disk-edit" },
    {
      id: "remove",
      label: "Remove",
      icon: "trash",
      group: "edit",
      on: "each",
      permit: "delete_disk",
      refuse: (row) => (text(row, "status") === "locked" ? { short: "locked", long: `${text(row, "alias")} is locked by a task.` } : undefined),
      confirm: { title: "Remove Disk(s)", verb: "Remove", danger: true, question: (rows) => `${namesOf(rows)} and what is on it is deleted for good.` },
      run: (row) => remove(`/disks/${row.id}`),
      done: "removed",
    },
    { id: "move", label: "Move", icon: "migrate", group: "move", on: "all", permit: "configure_disk_storage", refuse: only, dialog: "disk-move" },
    { id: "copy", label: "Copy", icon: "copy", group: "move", on: "all", permit: "configure_disk_storage", refuse: only, dialog: "disk-copy" },
    { id: "upload", label: "Upload", icon: "upload", group: "copy", on: "none", permit: "create_disk", dialog: "disk-upload" },
    { id: "download", label: "Download", icon: "download", group: "copy", on: "one", more: true, refuse: only, dialog: "disk-download" },
    { id: "sparsify", label: "Sparsify", group: "admin", on: "each", more: true, permit: "sparsify_disk", refuse: only, run: (row) => post(`/disks/${row.id}/sparsify`), done: "being sparsified" },
    { id: "reduce", label: "Reduce", group: "admin", on: "each", more: true, permit: "reduce_disk", refuse: only, run: (row) => post(`/disks/${row.id}/reduce`), done: "being reduced" },
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Alias", text(row, "alias")],
        ["Description", text(row, "description")],
        ["Attached To", users(row)],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
      [
        ["Virtual Size", bytes(number(row, "provisioned_size"))],
        ["Actual Size", bytes(number(row, "actual_size"))],
        ["Allocation Policy", allocation(row)],
        ["Format", text(row, "format").toUpperCase()],
      ],
      [
        ["Storage Domain(s)", domains(row)],
        ["Content Type", words(text(row, "content_type"))],
        ["Wipe After Delete", truth(row, "wipe_after_delete") ? "Yes" : "No"],
        ["Incremental Backup", text(row, "backup") === "incremental" ? "Yes" : "No"],
      ],
    ]),
    subTable({
      token: "virtual_machines",
      label: "Virtual Machines",
      place: "VirtualMachine",
      one: "VM",
      many: "VMs",
      path: (row) => `/vms?search=${encodeURIComponent(items(row, "vms").map((vm) => `id=${vm.id}`).join(" or ") || "id=00000000-0000-0000-0000-000000000000")}&max=100`,
      href: (row) => formatAddress({ place: "vms", tab: "general", params: { id: row.id } }),
      columns: [column("name", "Name", 200, "name", { flex: true }), { id: "status", label: "Status", width: 110, text: (row) => words(text(row, "status")) }, { id: "host", label: "Host", width: 120, text: (row) => names.of("hosts", text(row, "host.id")) }],
    }),
    subTable({
      token: "storage",
      label: "Storage",
      place: "Storage",
      one: "storage domain",
      many: "storage domains",
      path: () => "/storagedomains",
      rows: (rows, parent) => rows.filter((row) => items(parent, "storage_domains").some((domain) => domain.id === row.id)),
      href: (row) => formatAddress({ place: "storage", tab: "general", params: { id: row.id } }),
      columns: [column("name", "Domain Name", 200, "name", { flex: true }), { id: "type", label: "Domain Type", width: 110, text: (row) => words(text(row, "type")) }, { id: "free", label: "Free Space", width: 110, align: "right", text: (row) => bytes(number(row, "available")) }],
    }),
    permissionsTab("disks"),
  ],
};
