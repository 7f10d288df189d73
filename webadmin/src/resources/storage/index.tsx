/** Storage. Follows: web admin facts 2.3. */
import { type Row, items, number, remove, text, truth } from "../../api/client";
import { names } from "../../data/names";
import { bytes, exact } from "../../ui/format";
import { words } from "../../ui/StateIcon";
import { disks } from "../disks";
import type { Resource } from "../declare";
import { column, eventsTab, factsTab, permissionsTab, removeAction } from "../parts/common";
import { listTab, subTable } from "../parts/subTable";
import { quoted } from "../../shell/scope";
import { formatAddress } from "../../router";
import { attached, crossState, usedOf } from "./states";
import { attachmentActions } from "./attachment";

const BLANK = "00000000-0000-0000-0000-000000000000";
const KINDS: Record<string, string> = { nfs: "NFS", iscsi: "iSCSI", fcp: "Fibre Channel", posixfs: "POSIX compliant FS", localfs: "Local on Host", glusterfs: "GlusterFS", managed_block_storage: "Managed Block Storage", glance: "OpenStack Image", cinder: "OpenStack Volume" };
const kind = (row: Row): string => KINDS[text(row, "storage.type")] ?? text(row, "storage.type");
const role = (row: Row): string => `${words(text(row, "type"))}${truth(row, "master") ? " (Master)" : ""}`;

export const storage: Resource = {
  place: "storage",
  entity: "Storage",
  collection: "storagedomains",
  label: "Storage",
  one: "storage domain",
  many: "storage domains",
  icon: "storage",
  prefix: "Storage",
  title: (row) => text(row, "name"),
  sort: { field: "name", down: false },
  whenEmpty: "new",
  state: crossState,
  summary: (row) => [kind(row), `${bytes(usedOf(row).free)} free`].join(" · "),
  scopes: { datacenter: (name) => `datacenter = ${name}`, storage: (name) => `name = ${name}` },
  columns: [
    column("name", "Domain Name", 160, "name", { flex: true, sort: "name" }),
    { id: "type", label: "Domain Type", width: 110, sort: "type", text: role },
    { id: "storageType", label: "Storage Type", width: 120, text: kind },
    { id: "format", label: "Format", width: 60, text: (row) => text(row, "storage_format").toUpperCase() },
    { id: "status", label: "Cross DC Status", width: 120, sort: "status", text: (row) => crossState(row).word },
    { id: "total", label: "Total", width: 84, align: "right", sort: "total_size", text: (row) => bytes(usedOf(row).total) },
    {
      id: "used",
      label: "Used",
      width: 130,
      sort: "used_size",
      text: (row) => bytes(usedOf(row).used),
      level: (row) => {
        const { used, total } = usedOf(row);
        return used !== undefined && total ? (used / total) * 100 : undefined;
      },
    },
    { id: "free", label: "Free", width: 84, align: "right", sort: "free_size", text: (row) => bytes(usedOf(row).free) },
    {
      id: "guaranteed",
      label: "Guaranteed Free",
      width: 110,
      align: "right",
      text: (row) => {
        const { free, used } = usedOf(row);
        return free === undefined ? "" : bytes(Math.max(0, free + (used ?? 0) - (number(row, "committed") ?? 0)));
      },
    },
    column("comment", "Comment", 120, "comment", { sort: "comment", extra: true }),
    column("description", "Description", 160, "description", { sort: "description" }),
  ],
  actions: [
    { id: "new", label: "New Domain", icon: "plus", group: "new", on: "none", permit: "create_storage_domain", dialog: "storage-new" },
    { id: "import", label: "Import Domain", icon: "download", group: "new", on: "none", permit: "create_storage_domain", dialog: "storage-import" },
    { id: "edit", label: "Manage Domain", icon: "pencil", group: "edit", on: "one", permit: "edit_storage_domain_configuration", dialog: "storage-edit" },
    removeAction("storagedomains", "Remove Storage(s)", "delete_storage_domain", { on: "one", dialog: "storage-remove" }),
    { id: "destroy", label: "Destroy", group: "edit", on: "one", more: true, permit: "delete_storage_domain", dialog: "storage-destroy" },
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Description", text(row, "description")],
        ["Domain Type", role(row)],
        ["Storage Type", kind(row)],
        ["Path", [text(row, "storage.address"), text(row, "storage.path")].filter(Boolean).join(":")],
        ["Format", text(row, "storage_format").toUpperCase()],
      ],
      [
        ["Size", bytes(usedOf(row).total)],
        ["Available", bytes(usedOf(row).free)],
        ["Used", bytes(usedOf(row).used)],
        ["Allocated", bytes(number(row, "committed"))],
        ["Data Centers", items(row, "data_centers").map((dc) => names.of("datacenters", dc.id)).filter(Boolean).join(", ")],
      ],
      [
        ["Warning Low Space Indicator", `${text(row, "warning_low_space_indicator")} %`],
        ["Critical Space Action Blocker", `${text(row, "critical_space_action_blocker")} GiB`],
        ["Wipe After Delete", truth(row, "wipe_after_delete") ? "Yes" : "No"],
        ["Discard After Delete", truth(row, "discard_after_delete") ? "Yes" : "No"],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    subTable({
      token: "data_center",
      label: "Data Center",
      place: "DataCenter",
      one: "data center",
      many: "data centers",
      path: (row) => `/datacenters/${items(row, "data_centers")[0]?.id ?? BLANK}/storagedomains`,
      rows: (rows, parent) => rows.filter((row) => row.id === parent.id),
      state: attached,
      columns: [
        { id: "name", label: "Name", width: 200, flex: true, text: (row) => names.of("datacenters", text(row, "data_center.id")) },
        { id: "status", label: "Domain Status in Data Center", width: 220, text: (row) => attached(row).word },
        { id: "free", label: "Free Space", width: 110, align: "right", text: (row) => bytes(usedOf(row).free) },
      ],
      actions: attachmentActions,
      empty: "It is attached to no data center.",
    }),
    subTable({
      token: "virtual_machines",
      label: "Virtual Machines",
      one: "VM",
      many: "VMs",
      path: (row) => `/storagedomains/${row.id}/vms`,
      href: (row) => formatAddress({ place: "vms", tab: "general", params: { id: row.id } }),
      columns: [column("name", "Name", 200, "name", { flex: true }), { id: "template", label: "Template", width: 160, text: (row) => names.of("templates", text(row, "original_template.id") || text(row, "template.id")) }, { id: "created", label: "Creation Date", width: 170, text: (row) => exact(row["creation_time"]) }],
    }),
    subTable({
      token: "templates",
      label: "Templates",
      one: "template",
      many: "templates",
      path: (row) => `/storagedomains/${row.id}/templates`,
      href: (row) => formatAddress({ place: "templates", tab: "general", params: { id: row.id } }),
      columns: [column("name", "Name", 200, "name", { flex: true }), { id: "created", label: "Creation Date", width: 170, text: (row) => exact(row["creation_time"]) }],
    }),
    listTab({ token: "disks", label: "Disks", place: "Disk", of: () => disks, search: (row) => `storage = ${quoted(row.name ?? "")}`, without: ["storage"] }),
    subTable({
      token: "images",
      label: "Images",
      place: "Iso",
      one: "image",
      many: "images",
      path: (row) => `/storagedomains/${row.id}/files`,
      columns: [column("name", "File Name", 260, "name", { flex: true }), column("type", "Type", 90), { id: "size", label: "Size", width: 100, align: "right", text: (row) => bytes(number(row, "size")) }],
    }),
    subTable({
      token: "disk_snapshots",
      label: "Disk Snapshots",
      place: "StorageSnapshot",
      one: "disk snapshot",
      many: "disk snapshots",
      path: (row) => `/storagedomains/${row.id}/disksnapshots`,
      columns: [column("alias", "Disk Alias", 200, "alias", { flex: true }), { id: "size", label: "Size", width: 100, align: "right", text: (row) => bytes(number(row, "actual_size")) }, column("description", "Snapshot Description", 240), column("status", "Status", 90)],
    }),
    subTable({
      token: "disk_profiles",
      label: "Disk Profiles",
      place: "DiskProfile",
      one: "disk profile",
      many: "disk profiles",
      path: (row) => `/storagedomains/${row.id}/diskprofiles`,
      columns: [column("name", "Name", 200, "name", { flex: true }), column("description", "Description", 300)],
      actions: () => [
        { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "disk-profile-edit" },
        { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "disk-profile-edit" },
        { ...removeAction("diskprofiles", "Remove Disk Profile(s)", undefined), run: (row) => remove(`/diskprofiles/${row.id}`) },
      ],
    }),
    permissionsTab("storagedomains"),
    eventsTab("_event_storage_id"),
  ],
};
