/** What can be done to a storage domain in its data center: the same below either of them. */
import { type Row, post, remove, text } from "../../api/client";
import { namesOf } from "../parts/common";
import { type Action, onlyIn } from "../declare";

const address = (row: Row): string => `/datacenters/${text(row, "data_center.id")}/storagedomains/${row.id}`;
const only = (statuses: string, need: string, verb: string): Action["refuse"] => onlyIn(statuses, need, verb, "storage domain");

export const attachmentActions = (): Action[] => [
  { id: "attach", label: "Attach", icon: "link", group: "new", on: "none", dialog: "storage-attach" },
  {
    id: "detach",
    label: "Detach",
    group: "edit",
    on: "each",
    refuse: only("maintenance inactive unattached", "in Maintenance", "be detached"),
    confirm: { title: "Detach Storage", verb: "Detach", question: (rows) => `${namesOf(rows)} leaves its data center.` },
    run: (row) => remove(address(row)),
    done: "detached",
  },
  { id: "activate", label: "Activate", icon: "play", group: "run", on: "each", refuse: only("maintenance inactive unknown", "in Maintenance or Inactive", "be activated"), run: (row) => post(`${address(row)}/activate`), done: "activated" },
  {
    id: "maintenance",
    label: "Maintenance",
    icon: "wrench",
    group: "run",
    on: "each",
    refuse: only("active inactive", "Active", "go to maintenance"),
    confirm: { title: "Storage Domain Maintenance", verb: "OK", question: (rows) => `${namesOf(rows)} goes to maintenance: no VM can use it until it is activated.` },
    run: (row) => post(`${address(row)}/deactivate`),
    done: "sent to maintenance",
  },
];
