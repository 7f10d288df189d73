/** Virtual Machines. Follows: web admin facts 2.3; states by the table of state signs. */
import { type Row, items, number, post, remove, text, truth } from "../../api/client";
import { figures } from "../../data/figures";
import { names } from "../../data/names";
import { options } from "../../data/options";
import { count, moment, span } from "../../ui/format";
import { stateTable } from "../../ui/StateIcon";
import { type Resource, onlyIn } from "../declare";
import { TABS } from "./tabs";

const states = stateTable({
  up: ["green", "up"],
  down: ["grey", "down"],
  paused: ["amber", "paused"],
  moon: ["violet", "suspended"],
  busy: ["accent", "powering_up powering_down wait_for_launch reboot_in_progress saving_state restoring_state"],
  moving: ["accent", "migrating"],
  lock: ["grey", "image_locked"],
  warning: ["amber", "unknown unassigned"],
  bad: ["red", "not_responding image_illegal"],
});
const RUNNING = "up powering_up paused migrating not_responding reboot_in_progress wait_for_launch powering_down saving_state";
const only = (statuses: string, need: string, verb: string): ((row: Row) => ReturnType<ReturnType<typeof onlyIn>>) =>
  onlyIn(statuses, need, verb, "VM");
const act = (name: string, body: object = {}) => (row: Row) => post(`/vms/${row.id}/${name}`, body);
const cluster = (row: Row): Row | undefined => names.row("clusters", text(row, "cluster.id"));
const all = (rows: Row[]): string =>
  rows.length === 1 ? `${rows[0]?.name}` : `${rows.slice(0, 10).map((row) => row.name).join(", ")}${rows.length > 10 ? ` and ${rows.length - 10} more` : ""}`;

export function addressesOf(row: Row): string[] {
  return items(row, "reported_devices").flatMap((device) => items(device, "ips").map((ip) => text(ip, "address"))).filter(Boolean);
}

export const vms: Resource = {
  place: "vms",
  entity: "VirtualMachine",
  collection: "vms",
  label: "Virtual Machines",
  one: "VM",
  many: "VMs",
  icon: "vm",
  prefix: "Vms",
  title: (row) => text(row, "name"),
  measured: true,
  follow: "&follow=reporteddevices",
  sort: { field: "name", down: false },
  whenEmpty: "new",
  state: (row) => {
    const found = states(text(row, "status"));
    const progress = figures.now(row.id, "migration");
    return text(row, "status") === "migrating" && progress !== undefined ? { ...found, word: `Migrating ${Math.round(progress)}\u202f%` } : found;
  },
  sign: (row) =>
    truth(row, "next_run_configuration_exists")
      ? { state: { shape: "busy", tone: "amber", word: "Changes wait for the next start" }, text: "Changes wait for the next start" }
      : truth(row, "run_once")
        ? { state: { shape: "info", tone: "accent", word: "Run once" }, text: "Run once" }
        : undefined,
  faded: (row) => ["down", "suspended", "image_locked"].includes(text(row, "status")),
  summary: (row) => [states(text(row, "status")).word, names.of("hosts", text(row, "host.id")), addressesOf(row)[0]].filter(Boolean).join(" · "),
  scopes: {
    datacenter: (name) => `datacenter = ${name}`,
    cluster: (name) => `cluster = ${name}`,
    host: (name) => `host = ${name}`,
    storage: (name) => `storage = ${name}`,
    template: (name) => `template = ${name}`,
  },
  columns: [
    { id: "name", label: "Name", width: 180, flex: true, sort: "name", text: (row) => text(row, "name") },
    { id: "comment", label: "Comment", width: 120, sort: "comment", extra: true, text: (row) => text(row, "comment") },
    { id: "host", label: "Host", width: 100, sort: "host", text: (row) => names.of("hosts", text(row, "host.id")) },
    { id: "ip", label: "IP Address", width: 116, sort: "ip", text: (row) => addressesOf(row).join(", ") },
    { id: "fqdn", label: "FQDN", width: 160, sort: "fqdn", extra: true, text: (row) => text(row, "fqdn") },
    { id: "cluster", label: "Cluster", width: 66, sort: "cluster", text: (row) => text(cluster(row), "name") },
    { id: "datacenter", label: "Data Center", width: 92, sort: "datacenter", text: (row) => names.of("datacenters", text(cluster(row), "data_center.id")) },
    { id: "memory", label: "Memory", width: 100, align: "right", sort: "mem_usage", measure: "memory", text: (row) => String(figures.now(row.id, "memory") ?? "") },
    { id: "cpu", label: "CPU", width: 100, align: "right", sort: "cpu_usage", measure: "cpu", text: (row) => String(figures.now(row.id, "cpu") ?? "") },
    { id: "network", label: "Network", width: 100, align: "right", sort: "network_usage", measure: "network", text: (row) => String(figures.now(row.id, "network") ?? "") },
    { id: "graphics", label: "Graphics", width: 66, text: (row) => text(row, "display.type").toUpperCase() },
    { id: "status", label: "Status", width: 118, sort: "status", text: (row) => vms.state?.(row).word ?? "" },
    {
      id: "uptime",
      label: "Uptime",
      width: 68,
      align: "right",
      sort: "uptime",
      text: (row) => {
        const since = RUNNING.split(" ").includes(text(row, "status")) ? moment(row["start_time"]) : undefined;
        return since ? span((Date.now() - since.getTime()) / 1000) : "";
      },
    },
    { id: "template", label: "Template", width: 110, sort: "template", extra: true, text: (row) => names.of("templates", text(row, "original_template.id") || text(row, "template.id")) },
    { id: "os", label: "Operating System", width: 130, sort: "os", extra: true, text: (row) => text(row, "os.type").replace(/_/g, " ") },
    {
      id: "vcpus",
      label: "vCPUs",
      width: 56,
      align: "right",
      sort: "vcpus",
      extra: true,
      text: (row) => count(["sockets", "cores", "threads"].reduce((all, part) => all * (number(row, `cpu.topology.${part}`) ?? 1), 1)),
    },
    { id: "description", label: "Description", width: 200, sort: "description", extra: true, text: (row) => text(row, "description") },
    { id: "id", label: "VM ID", width: 270, sort: "id", extra: true, mono: true, text: (row) => row.id },
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_vm", dialog: "vm-edit" },
    { id: "import", label: "Import", icon: "download", group: "new", on: "none", more: true, dialog: "vm-import" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_vm_properties", dialog: "vm-edit", refuse: (row) => (text(row, "status") === "image_locked" ? { short: "locked", long: `${row.name} is locked by a task.` } : undefined) },
    {
      id: "remove",
      label: "Remove",
      icon: "trash",
      group: "edit",
      on: "each",
      permit: "delete_vm",
      refuse: (row) => (truth(row, "delete_protected") ? { short: "protected", long: `${row.name} is protected against deletion. Edit it first.` } : only("down image_illegal", "Down", "be removed")(row)),
      confirm: { title: "Remove Virtual Machine(s)", verb: "Remove", danger: true, question: (rows) => `${all(rows)} and the disks that belong to it alone are deleted.` },
      run: (row) => remove(`/vms/${row.id}`),
      done: "removed",
    },
    { id: "run", label: "Run", icon: "play", group: "run", on: "each", permit: "run_vm", refuse: only("down paused suspended", "Down, Paused or Suspended", "run"), run: act("start"), done: "started" },
    { id: "runOnce", label: "Run Once", icon: "play", group: "run", on: "one", more: true, permit: "run_vm", refuse: only("down", "Down", "run once"), dialog: "vm-run-once" },
    { id: "suspend", label: "Suspend", icon: "moon", group: "run", on: "each", permit: "hibernate_vm", refuse: only("up", "Up", "suspend"), run: act("suspend"), done: "suspended" },
    {
      id: "shutdown",
      label: "Shutdown",
      icon: "power",
      group: "run",
      on: "each",
      permit: "shut_down_vm",
      refuse: only("up powering_up powering_down reboot_in_progress paused migrating not_responding", "running", "shut down"),
      confirm: { title: "Shut down Virtual Machine(s)", verb: "Shutdown", question: (rows) => `The guest of ${all(rows)} is asked to shut down.` },
      run: act("shutdown"),
      done: "asked to shut down",
    },
    {
      id: "powerOff",
      label: "Power Off",
      icon: "power",
      group: "run",
      on: "each",
      under: "shutdown",
      permit: "stop_vm",
      refuse: only(`${RUNNING} unknown suspended restoring_state`, "running or Suspended", "be powered off"),
      confirm: { title: "Power Off Virtual Machine(s)", verb: "Power Off", danger: true, question: (rows) => `${all(rows)} stops at once, as if its power were cut. What the guest has not saved is lost.` },
      run: act("stop"),
      done: "powered off",
    },
    {
      id: "reboot",
      label: "Reboot",
      icon: "restart",
      group: "run",
      on: "each",
      permit: "reboot_vm",
      refuse: only("up powering_up", "Up", "reboot"),
      confirm: { title: "Reboot Virtual Machine(s)", verb: "Reboot", question: (rows) => `The guest of ${all(rows)} is asked to reboot.` },
      run: act("reboot"),
      done: "rebooted",
    },
    {
      id: "reset",
      label: "Reset",
      icon: "restart",
      group: "run",
      on: "each",
      under: "reboot",
      permit: "reset_vm",
      refuse: only("up powering_up not_responding", "Up", "be reset"),
      confirm: { title: "Reset Virtual Machine(s)", verb: "Reset", danger: true, question: (rows) => `${all(rows)} restarts at once, as by its reset button.` },
      run: act("reset"),
      done: "reset",
    },
    {
      id: "console",
      label: "Console",
      icon: "console",
      group: "console",
      on: "one",
      permit: "connect_to_vm",
      refuse: only("up powering_up paused powering_down reboot_in_progress migrating not_responding", "running", "show its console"),
      run: async (row) => {
        if (options.get("console.way", "browser") === "browser") return void window.open(`#console;vm=${row.id};name=${encodeURIComponent(row.name ?? "")}`, `console-${row.id}`, "width=1100,height=860");
        const { saveViewerFile } = await import("../../console/files");
        return saveViewerFile(row.id, row.name ?? "console", [options.get("console.protocol", "") || text(row, "display.type")]);
      },
    },
    { id: "consoleOptions", label: "Console Options", group: "console", on: "one", under: "console", dialog: "vm-console-options" },
    { id: "migrate", label: "Migrate", icon: "migrate", group: "move", on: "all", permit: "migrate_vm", refuse: only("up powering_up paused reboot_in_progress", "Up", "migrate"), dialog: "vm-migrate" },
    { id: "cancelMigration", label: "Cancel Migration", group: "move", on: "each", more: true, permit: "migrate_vm", refuse: only("migrating", "Migrating", "cancel it"), run: act("cancelmigration"), done: "asked to stay" },
    { id: "snapshot", label: "Create Snapshot", icon: "camera", group: "copy", on: "one", permit: "manipulate_vm_snapshots", refuse: only("up down paused suspended powering_up", "Up or Down", "be snapshotted"), dialog: "vm-snapshot" },
    { id: "clone", label: "Clone VM", icon: "copy", group: "copy", on: "one", more: true, permit: "create_vm", dialog: "vm-clone" },
    { id: "makeTemplate", label: "Make Template", icon: "template", group: "copy", on: "one", more: true, permit: "create_template", refuse: only("down", "Down", "become a template"), dialog: "vm-make-template" },
    { id: "export", label: "Export", group: "copy", on: "one", more: true, dialog: "vm-export" },
    { id: "changeCd", label: "Change CD", icon: "disk", group: "copy", on: "one", more: true, permit: "change_vm_cd", refuse: only("up powering_up paused", "running", "change its CD"), dialog: "vm-change-cd" },
    { id: "tags", label: "Assign Tags", icon: "tag", group: "tags", on: "all", more: true, dialog: "assign-tags" },
    { id: "guide", label: "Guide Me", icon: "guide", group: "tags", on: "one", more: true, dialog: "vm-guide" },
  ],
  tabs: TABS,
};
