/** Data Centers. Follows: web admin facts 2.3. */
import { remove, text, truth } from "../../api/client";
import { names } from "../../data/names";
import { bytes, version } from "../../ui/format";
import { stateTable } from "../../ui/StateIcon";
import { clusters } from "../clusters";
import type { Resource } from "../declare";
import { networks } from "../networks";
import { column, eventsTab, factsTab, permissionsTab, removeAction } from "../parts/common";
import { listTab, subTable } from "../parts/subTable";
import { attachmentActions } from "../storage/attachment";
import { attached, usedOf } from "../storage/states";
import { quoted } from "../../shell/scope";
import { formatAddress } from "../../router";

const states = stateTable({
  up: ["green", "up"],
  down: ["grey", "uninitialized"],
  bar: ["amber", "maintenance"],
  warning: ["amber", "contend not_operational"],
  bad: ["red", "problematic"],
});
const place = (id: string): string => `/datacenters/${id}`;

export const dataCenters: Resource = {
  place: "dataCenters",
  entity: "DataCenter",
  collection: "datacenters",
  label: "Data Centers",
  one: "data center",
  many: "data centers",
  icon: "dataCenter",
  prefix: "Datacenter",
  title: (row) => text(row, "name"),
  sort: { field: "name", down: false },
  whenEmpty: "new",
  state: (row) => states(text(row, "status")),
  summary: (row) => states(text(row, "status")).word,
  scopes: { datacenter: (name) => `name = ${name}` },
  columns: [
    column("name", "Name", 180, "name", { flex: true, sort: "name" }),
    column("comment", "Comment", 160, "comment", { sort: "comment" }),
    { id: "storageType", label: "Storage Type", width: 100, sort: "local", text: (row) => (truth(row, "local") ? "Local" : "Shared") },
    { id: "status", label: "Status", width: 110, sort: "status", text: (row) => states(text(row, "status")).word },
    { id: "version", label: "Compatibility Version", width: 150, sort: "compatibility_version", text: (row) => version(row["version"]) },
    column("quota", "Quota Mode", 90, "quota_mode", { extra: true }),
    column("description", "Description", 240, "description", { sort: "description" }),
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_storage_pool", dialog: "data-center-edit" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_storage_pool_configuration", dialog: "data-center-edit" },
    removeAction("datacenters", "Remove Data Center(s)", "delete_storage_pool"),
    {
      id: "forceRemove",
      label: "Force Remove",
      group: "edit",
      on: "one",
      more: true,
      permit: "delete_storage_pool",
      dialog: "data-center-force-remove",
    },
    { id: "guide", label: "Guide Me", icon: "guide", group: "tags", on: "one", more: true, dialog: "data-center-guide" },
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Name", text(row, "name")],
        ["Description", text(row, "description")],
        ["Comment", text(row, "comment")],
      ],
      [
        ["Storage Type", truth(row, "local") ? "Local" : "Shared"],
        ["Compatibility Version", version(row["version"])],
        ["Storage Format", text(row, "storage_format").toUpperCase()],
      ],
      [
        ["Quota Mode", text(row, "quota_mode")],
        ["MAC Pool", names.of("macpools", text(row, "mac_pool.id"))],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    subTable({
      token: "storage",
      label: "Storage",
      place: "Storage",
      one: "storage domain",
      many: "storage domains",
      collection: "storagedomains",
      path: (row) => `${place(row.id)}/storagedomains`,
      state: attached,
      href: (row) => formatAddress({ place: "storage", tab: "general", params: { id: row.id } }),
      columns: [
        column("name", "Domain Name", 180, "name", { flex: true }),
        { id: "type", label: "Domain Type", width: 130, text: (row) => `${text(row, "type")}${truth(row, "master") ? " (Master)" : ""}` },
        { id: "status", label: "Status", width: 120, text: (row) => attached(row).word },
        { id: "free", label: "Free Space", width: 100, align: "right", text: (row) => bytes(usedOf(row).free) },
        { id: "used", label: "Used Space", width: 100, align: "right", text: (row) => bytes(usedOf(row).used) },
        { id: "total", label: "Total Space", width: 100, align: "right", text: (row) => bytes(usedOf(row).total) },
        column("description", "Description", 180),
      ],
      actions: attachmentActions,
    }),
    listTab({ token: "logical_networks", label: "Logical Networks", place: "Network", of: () => networks, search: (row) => `datacenter = ${quoted(row.name ?? "")}`, without: ["datacenter"] }),
    listTab({ token: "clusters", label: "Clusters", place: "Cluster", of: () => clusters, search: (row) => `datacenter = ${quoted(row.name ?? "")}`, without: ["datacenter"] }),
    subTable({
      token: "quota",
      label: "Quota",
      place: "Quota",
      one: "quota",
      many: "quotas",
      collection: "quotas",
      path: (row) => `${place(row.id)}/quotas`,
      columns: [column("name", "Name", 180, "name", { flex: true }), column("description", "Description", 300)],
      actions: (parent) => [
        { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "quota-edit" },
        { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "quota-edit" },
        { ...removeAction("quotas", "Remove Quota(s)", undefined), run: (row) => remove(`${place(parent.id)}/quotas/${row.id}`) },
      ],
    }),
    subTable({
      token: "qos",
      label: "QoS",
      one: "QoS entry",
      many: "QoS entries",
      path: (row) => `${place(row.id)}/qoss`,
      columns: [column("name", "Name", 180, "name", { flex: true }), column("type", "Type", 120), column("description", "Description", 260)],
    }),
    permissionsTab("datacenters"),
    eventsTab("_event_datacenter_id"),
  ],
};
