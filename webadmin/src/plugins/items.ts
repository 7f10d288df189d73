/** Rows as the plugins' events give them: the fields that each entity type has. Values are strings. */
import { type Row, items, text } from "../api/client";
import type { Item } from "./host";

const camel = (word: string): string =>
  word
    .split("_")
    .map((part) => (part[0] ?? "").toUpperCase() + part.slice(1))
    .join("");
const name = (row: Row): Item => ({ name: row.name ?? "" });
const addresses = (row: Row): string =>
  items(row, "reported_devices")
    .flatMap((device) => items(device, "ips").map((ip) => text(ip, "address")))
    .join(" ");

const FIELDS: Record<string, (row: Row) => Item> = {
  DataCenter: name,
  Cluster: (row) => ({ ...name(row), managed: true }),
  Host: (row) => ({ ...name(row), hostname: text(row, "address"), managed: true }),
  Network: name,
  Storage: (row) => ({ ...name(row), type: text(row, "type"), dataCenterId: String(items(row, "data_centers")[0]?.id ?? "") }),
  VirtualMachine: (row) => {
    const status = text(row, "status");
    return { ...name(row), ipaddress: addresses(row), status: status === "migrating" ? "MigratingFrom" : camel(status), managed: true };
  },
  Pool: name,
  Template: name,
  Provider: name,
  Quota: name,
  User: (row) => ({ username: text(row, "user_name") || text(row, "principal"), domain: text(row, "domain.name") }),
  Event: (row) => ({
    correlationId: text(row, "correlation_id"),
    message: text(row, "description"),
    callStack: "",
    customEventId: text(row, "custom_id"),
    toString: text(row, "description"),
  }),
};

export const itemOf = (entity: string, row: Row): Item => ({ id: row.id, ...FIELDS[entity]?.(row) });
