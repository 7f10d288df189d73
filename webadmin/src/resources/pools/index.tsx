/** Pools. Follows: web admin facts 2.3. */
import { number, text } from "../../api/client";
import { names } from "../../data/names";
import { words } from "../../ui/StateIcon";
import type { Resource } from "../declare";
import { column, factsTab, removeAction } from "../parts/common";
import { listTab } from "../parts/subTable";
import { quoted } from "../../shell/scope";
import { vms } from "../vms";

export const pools: Resource = {
  place: "pools",
  entity: "Pool",
  collection: "vmpools",
  label: "Pools",
  one: "pool",
  many: "pools",
  icon: "pool",
  prefix: "Pools",
  title: (row) => text(row, "name"),
  sort: { field: "name", down: false },
  whenEmpty: "new",
  summary: (row) => words(text(row, "type")),
  columns: [
    column("name", "Name", 180, "name", { flex: true, sort: "name" }),
    column("comment", "Comment", 160),
    { id: "size", label: "Assigned VMs", width: 100, align: "right", text: (row) => text(row, "size") },
    { id: "prestarted", label: "Prestarted", width: 90, align: "right", text: (row) => text(row, "prestarted_vms") },
    { id: "type", label: "Type", width: 90, text: (row) => words(text(row, "type")) },
    column("description", "Description", 240),
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_vm_pool", dialog: "pool-edit" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_vm_pool_configuration", dialog: "pool-edit" },
    removeAction("vmpools", "Remove VM Pool(s)", "delete_vm_pool"),
  ],
  tabs: [
    factsTab((row) => [
      [
        ["Name", text(row, "name")],
        ["Description", text(row, "description")],
        ["Cluster", names.of("clusters", text(row, "cluster.id"))],
      ],
      [
        ["Template", names.of("templates", text(row, "template.id"))],
        ["Type", words(text(row, "type"))],
        ["VMs", String(number(row, "size") ?? "")],
      ],
      [
        ["Prestarted VMs", text(row, "prestarted_vms")],
        ["VMs per user", text(row, "max_user_vms")],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    listTab({ token: "virtual_machines", label: "Virtual Machines", place: "VirtualMachine", of: () => vms, search: (row) => `pool = ${quoted(row.name ?? "")}` }),
  ],
};
