/** States and sizes of storage domains: the domain's own, and those of its attachment to a data center. */
import { type Row, number, text } from "../../api/client";
import { type StateOf, stateTable } from "../../ui/StateIcon";

const table = stateTable({
  up: ["green", "active"],
  down: ["grey", "unattached"],
  busy: ["accent", "activating detaching preparing_for_maintenance"],
  bar: ["amber", "maintenance"],
  lock: ["grey", "locked"],
  warning: ["amber", "inactive unknown mixed"],
});
export const attached = (row: Row): StateOf => table(text(row, "status"));
/** A domain's state over all data centers; the API says none when it is attached and well. */
export const crossState = (row: Row): StateOf => (text(row, "status") || text(row, "external_status") === "error" ? table(text(row, "status")) : { shape: "up", tone: "green", word: "Active" });

export function usedOf(row: Row): { used?: number | undefined; free?: number | undefined; total?: number | undefined } {
  const used = number(row, "used");
  const free = number(row, "available");
  return { used, free, total: used !== undefined && free !== undefined ? used + free : undefined };
}
