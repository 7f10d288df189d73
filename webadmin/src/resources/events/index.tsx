/** Events. Follows: web admin facts 2.3. */
import { lazy } from "react";
import { remove, text } from "../../api/client";
import { severity } from "../../data/severity";
import { exact } from "../../ui/format";
import type { Resource } from "../declare";

const of = (path: string) => (row: unknown): string => text(row, path);

export const events: Resource = {
  place: "events",
  entity: "Event",
  collection: "events",
  label: "Events",
  one: "event",
  many: "events",
  icon: "event",
  prefix: "Events",
  title: (row) => text(row, "description"),
  state: severity,
  summary: (row) => exact(row["time"]),
  scopes: { datacenter: (name) => `event_datacenter = ${name}`, host: (name) => `event_host = ${name}`, storage: (name) => `event_storage = ${name}`, template: (name) => `event_template = ${name}` },
  columns: [
    { id: "time", label: "Time", width: 160, plain: true, sort: "time", text: (row) => exact(row["time"]) },
    { id: "message", label: "Message", width: 400, flex: true, sort: "message", text: of("description") },
    { id: "correlation", label: "Correlation Id", width: 130, sort: "correlation_id", mono: true, text: of("correlation_id") },
    { id: "id", label: "ID", width: 70, align: "right", extra: true, text: (row) => row.id },
    { id: "severity", label: "Severity", width: 80, sort: "severity", extra: true, text: of("severity") },
    { id: "code", label: "Code", width: 60, align: "right", sort: "type", extra: true, text: of("code") },
    { id: "user", label: "User", width: 120, sort: "usrname", extra: true, text: (row) => text(row, "user.name") },
    { id: "host", label: "Host", width: 110, sort: "event_host", extra: true, text: of("host.name") },
    { id: "vm", label: "VM", width: 110, sort: "event_vm", extra: true, text: of("vm.name") },
    { id: "template", label: "Template", width: 110, sort: "event_template", extra: true, text: of("template.name") },
    { id: "datacenter", label: "Data Center", width: 110, sort: "event_datacenter", extra: true, text: of("data_center.name") },
    { id: "storage", label: "Storage", width: 110, sort: "event_storage", extra: true, text: of("storage_domain.name") },
    { id: "cluster", label: "Cluster", width: 110, extra: true, text: of("cluster.name") },
    { id: "origin", label: "Origin", width: 90, sort: "origin", extra: true, text: of("origin") },
    { id: "custom", label: "Custom Id", width: 80, align: "right", sort: "custom_event_id", extra: true, text: of("custom_id") },
  ],
  actions: [
    {
      id: "remove",
      label: "Dismiss",
      icon: "close",
      group: "edit",
      on: "each",
      run: (row) => remove(`/events/${row.id}`),
      done: "dismissed",
    },
  ],
  tabs: [{ token: "general", label: "General", component: lazy(() => import("./General")) }],
};
