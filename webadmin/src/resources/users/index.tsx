/** Users. Follows: web admin facts 2.3. */
import { text } from "../../api/client";
import type { Resource } from "../declare";
import { column, factsTab, removeAction, tagsAction } from "../parts/common";
import { listTab, subTable } from "../parts/subTable";
import { names } from "../../data/names";
import { events } from "../events";
import { quoted } from "../../shell/scope";
import { words } from "../../ui/StateIcon";

const KINDS: [string, string][] = [
  ["vm", "vms"],
  ["host", "hosts"],
  ["template", "templates"],
  ["cluster", "clusters"],
  ["data_center", "datacenters"],
  ["storage_domain", "storagedomains"],
  ["disk", "disks"],
  ["vm_pool", "vmpools"],
  ["vnic_profile", "vnicprofiles"],
];

export const users: Resource = {
  place: "users",
  entity: "User",
  collection: "users",
  label: "Users",
  one: "user",
  many: "users",
  icon: "user",
  prefix: "Users",
  title: (row) => text(row, "user_name") || text(row, "principal"),
  sort: { field: "usrname", down: false },
  whenEmpty: "add",
  summary: (row) => [text(row, "name"), text(row, "last_name")].filter(Boolean).join(" "),
  columns: [
    { id: "userName", label: "User Name", width: 180, flex: true, sort: "usrname", text: (row) => text(row, "user_name") || text(row, "principal") },
    column("firstName", "First Name", 140, "name", { sort: "name" }),
    column("lastName", "Last Name", 140, "last_name", { sort: "lastname" }),
    column("provider", "Provider", 140, "domain.name", { sort: "directory" }),
    column("namespace", "Namespace", 100, "namespace", { extra: true }),
    column("email", "E-mail", 220, "email"),
    column("department", "Department", 140, "department", { sort: "department", extra: true }),
  ],
  actions: [
    { id: "add", label: "Add", icon: "plus", group: "new", on: "none", permit: "manipulate_users", dialog: "user-add" },
    removeAction("users", "Remove User(s)", "manipulate_users"),
    tagsAction,
  ],
  tabs: [
    factsTab((row) => [
      [
        ["First Name", text(row, "name")],
        ["Last Name", text(row, "last_name")],
        ["User Name", text(row, "user_name")],
      ],
      [
        ["E-mail", text(row, "email")],
        ["Department", text(row, "department")],
        ["Provider", text(row, "domain.name")],
      ],
      [
        ["Namespace", text(row, "namespace")],
        ["ID", <span key="id" className="ov-mono">{row.id}</span>],
      ],
    ]),
    subTable({
      token: "permissions",
      label: "Permissions",
      place: "Permission",
      one: "permission",
      many: "permissions",
      path: (row) => `/users/${row.id}/permissions`,
      columns: [
        {
          id: "object",
          label: "Object",
          width: 220,
          flex: true,
          text: (row) => {
            const kind = KINDS.find(([key]) => text(row, `${key}.id`));
            return kind ? names.of(kind[1] as "vms", text(row, `${kind[0]}.id`)) : "(System)";
          },
        },
        { id: "kind", label: "Object Type", width: 140, text: (row) => words(KINDS.find(([key]) => text(row, `${key}.id`))?.[0] ?? "system") },
        { id: "role", label: "Role", width: 200, text: (row) => names.of("roles", text(row, "role.id")) },
      ],
    }),
    subTable({
      token: "directory_groups",
      label: "Directory Groups",
      place: "UserGroup",
      one: "group",
      many: "groups",
      path: (row) => `/users/${row.id}/groups`,
      columns: [column("name", "Name", 240, "name", { flex: true }), column("namespace", "Namespace", 120), column("domain", "Provider", 160, "domain.name")],
    }),
    subTable({
      token: "event_notifier",
      label: "Event Notifier",
      place: "EventNotifier",
      one: "subscription",
      many: "subscriptions",
      path: (row) => `/users/${row.id}/eventsubscriptions`,
      columns: [column("event", "Event", 260, "event", { flex: true }), column("address", "Mail Recipient", 220), column("method", "Notification Method", 150, "notification_method")],
      actions: () => [{ id: "manage", label: "Manage Events", icon: "event", group: "edit", on: "none", dialog: "event-subscriptions" }],
    }),
    listTab({ token: "events", label: "Events", place: "Event", of: () => events, search: (row) => `usrname = ${quoted(text(row, "user_name") || text(row, "principal"))}` }),
  ],
};
