/** Networks. Follows: web admin facts 2.3. */
import { type Row, items, remove, text, truth } from "../../api/client";
import { names } from "../../data/names";
import { words } from "../../ui/StateIcon";
import type { Resource } from "../declare";
import { column, factsTab, permissionsTab, removeAction } from "../parts/common";
import { subTable } from "../parts/subTable";

const role = (row: Row): string => (items(row, "usages") as unknown as string[]).map((usage) => words(usage)).join(", ");
const mtu = (row: Row): string => (text(row, "mtu") === "0" ? "Default" : text(row, "mtu"));

export const networks: Resource = {
  place: "networks",
  entity: "Network",
  collection: "networks",
  label: "Networks",
  one: "network",
  many: "networks",
  icon: "network",
  prefix: "Networks",
  title: (row) => text(row, "name"),
  sort: { field: "name", down: false },
  whenEmpty: "new",
  summary: (row) => [names.of("datacenters", text(row, "data_center.id")), text(row, "vlan.id") && `VLAN ${text(row, "vlan.id")}`].filter(Boolean).join(" · "),
  scopes: { datacenter: (name) => `datacenter = ${name}`, network: (name) => `name = ${name}` },
  columns: [
    column("name", "Name", 160, "name", { flex: true, sort: "name" }),
    column("comment", "Comment", 120, "comment", { sort: "comment" }),
    { id: "datacenter", label: "Data Center", width: 100, sort: "datacenter", text: (row) => names.of("datacenters", text(row, "data_center.id")) },
    { id: "role", label: "Role", width: 80, text: role },
    { id: "vlan", label: "VLAN Tag", width: 76, align: "right", sort: "vlanid", text: (row) => text(row, "vlan.id") },
    { id: "mtu", label: "MTU", width: 60, align: "right", sort: "mtu", text: mtu },
    column("label", "Label", 90, "network_labels.network_label.0.id", { sort: "label" }),
    column("provider", "Provider", 110, "external_provider.name"),
    { id: "isolation", label: "Port Isolation", width: 100, extra: true, text: (row) => (truth(row, "port_isolation") ? "Yes" : "No") },
    { id: "qos", label: "QoS", width: 90, extra: true, text: (row) => text(row, "qos.name") },
    column("description", "Description", 200, "description", { sort: "description" }),
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_storage_pool_network", dialog: "network-edit" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "configure_storage_pool_network", dialog: "network-edit" },
    removeAction("networks", "Remove Logical Network(s)", "configure_storage_pool_network"),
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Name", text(row, "name")],
        ["Description", text(row, "description")],
        ["Data Center", names.of("datacenters", text(row, "data_center.id"))],
      ],
      [
        ["VM Network", role(row).includes("Vm") ? "Yes" : "No"],
        ["VLAN Tag", text(row, "vlan.id") || "none"],
        ["MTU", mtu(row)],
      ],
      [
        ["Port Isolation", truth(row, "port_isolation") ? "Yes" : "No"],
        ["VDSM Name", text(row, "vdsm_name")],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    subTable({
      token: "profiles",
      label: "vNIC Profiles",
      place: "NetworkProfile",
      one: "vNIC profile",
      many: "vNIC profiles",
      collection: "vnicprofiles",
      path: (row) => `/networks/${row.id}/vnicprofiles`,
      columns: [
        column("name", "Name", 180, "name", { flex: true }),
        { id: "mirroring", label: "Port Mirroring", width: 110, text: (row) => (truth(row, "port_mirroring") ? "Yes" : "No") },
        { id: "passthrough", label: "Passthrough", width: 100, text: (row) => words(text(row, "pass_through.mode")) },
        column("description", "Description", 260),
      ],
      actions: () => [
        { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "vnic-profile-edit" },
        { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "vnic-profile-edit" },
        { ...removeAction("vnicprofiles", "Remove vNIC Profile(s)", undefined), run: (row) => remove(`/vnicprofiles/${row.id}`) },
      ],
    }),
    permissionsTab("networks"),
  ],
};
