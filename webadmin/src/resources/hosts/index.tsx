/** Hosts. Follows: web admin facts 2.3; states by the table of state signs. */
import { type Row, items, number, post, text, truth } from "../../api/client";
import { figures } from "../../data/figures";
import { names } from "../../data/names";
import { bytes } from "../../ui/format";
import { stateTable, words } from "../../ui/StateIcon";
import { type Action, type Resource, onlyIn } from "../declare";
import { column, eventsTab, factsTab, namesOf, permissionsTab, removeAction, tagsAction } from "../parts/common";
import { Load } from "../parts/Load";
import { listTab, subTable } from "../parts/subTable";
import { quoted } from "../../shell/scope";
import { vms } from "../vms";

const states = stateTable({
  up: ["green", "up"],
  down: ["grey", "down"],
  busy: ["accent", "installing installing_os initializing connecting reboot preparing_for_maintenance unassigned kdumping"],
  lock: ["grey", "pending_approval"],
  bar: ["amber", "maintenance"],
  warning: ["amber", "non_operational install_failed"],
  bad: ["red", "non_responsive error"],
});
const only = (statuses: string, need: string, verb: string) => onlyIn(statuses, need, verb, "host");
const act = (name: string, body: object = {}) => (row: Row) => post(`/hosts/${row.id}/${name}`, body);
const cluster = (row: Row): Row | undefined => names.row("clusters", text(row, "cluster.id"));
const fence = (type: string) => act("fence", { fence_type: type });
const powered = (row: Row): ReturnType<NonNullable<Action["refuse"]>> =>
  truth(row, "power_management.enabled") ? undefined : { short: "no power management", long: `${row.name} has no power management. Edit the host to set it up.` };
const manage = "manipulate_host";

export const hosts: Resource = {
  place: "hosts",
  entity: "Host",
  collection: "hosts",
  label: "Hosts",
  one: "host",
  many: "hosts",
  icon: "host",
  prefix: "Hosts",
  title: (row) => text(row, "name"),
  measured: true,
  sort: { field: "name", down: false },
  whenEmpty: "new",
  state: (row) => states(text(row, "status")),
  sign: (row) => (truth(row, "update_available") ? { state: { shape: "info", tone: "accent", word: "Update available" }, text: "Update available" } : undefined),
  faded: (row) => ["down", "maintenance"].includes(text(row, "status")),
  summary: (row) => [states(text(row, "status")).word, text(row, "address")].filter(Boolean).join(" · "),
  scopes: { datacenter: (name) => `datacenter = ${name}`, cluster: (name) => `cluster = ${name}`, host: (name) => `name = ${name}` },
  columns: [
    column("name", "Name", 150, "name", { flex: true, sort: "name" }),
    column("comment", "Comment", 100, "comment", { sort: "comment" }),
    column("address", "Hostname/IP", 130, "address", { sort: "address" }),
    { id: "cluster", label: "Cluster", width: 90, sort: "cluster", text: (row) => text(cluster(row), "name") },
    { id: "datacenter", label: "Data Center", width: 90, sort: "datacenter", text: (row) => names.of("datacenters", text(cluster(row), "data_center.id")) },
    { id: "status", label: "Status", width: 118, sort: "status", text: (row) => states(text(row, "status")).word },
    { id: "vms", label: "VMs", width: 48, align: "right", sort: "active_vms", text: (row) => text(row, "summary.active") },
    { id: "memory", label: "Memory", width: 100, align: "right", sort: "mem_usage", measure: "memory", text: (row) => String(figures.now(row.id, "memory") ?? "") },
    { id: "cpu", label: "CPU", width: 100, align: "right", sort: "cpu_usage", measure: "cpu", text: (row) => String(figures.now(row.id, "cpu") ?? "") },
    { id: "network", label: "Network", width: 100, align: "right", sort: "network_usage", measure: "network", text: (row) => String(figures.now(row.id, "network") ?? "") },
    { id: "spm", label: "SPM", width: 60, text: (row) => ({ spm: "SPM", contending: "Contending" })[text(row, "spm.status")] ?? "" },
    { id: "version", label: "Version", width: 80, sort: "version", extra: true, text: (row) => text(row, "version.full_version") },
    column("cpuModel", "CPU Model", 180, "cpu.name", { sort: "cpu_model", extra: true }),
    { id: "ram", label: "Physical Memory", width: 110, align: "right", sort: "memory", extra: true, text: (row) => bytes(number(row, "memory")) },
    column("id", "Host ID", 270, "id", { extra: true, mono: true }),
  ],
  actions: [
    { id: "new", label: "New", icon: "plus", group: "new", on: "none", permit: "create_host", dialog: "host-edit" },
    { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", permit: "edit_host_configuration", dialog: "host-edit" },
    removeAction("hosts", "Remove Host(s)", "delete_host", { refuse: only("maintenance down non_operational install_failed pending_approval non_responsive", "in Maintenance", "be removed") }),
    {
      id: "maintenance",
      label: "Maintenance",
      icon: "wrench",
      group: "run",
      on: "each",
      permit: manage,
      refuse: only("up non_operational non_responsive install_failed preparing_for_maintenance down error", "Up or failed", "go to maintenance"),
      confirm: { title: "Maintenance Host(s)", verb: "OK", question: (rows) => `VMs move from ${namesOf(rows)} to other hosts, then it goes to maintenance.` },
      run: act("deactivate"),
      done: "sent to maintenance",
    },
    {
      id: "activate",
      label: "Activate",
      icon: "play",
      group: "run",
      on: "each",
      permit: manage,
      refuse: only("maintenance non_operational non_responsive install_failed preparing_for_maintenance down error", "in Maintenance", "be activated"),
      run: act("activate"),
      done: "activated",
    },
    { id: "refresh", label: "Refresh Capabilities", icon: "refresh", group: "run", on: "each", permit: manage, refuse: only("up maintenance non_operational", "Up", "be asked"), run: act("refresh"), done: "asked" },
    {
      id: "confirmReboot",
      label: "Confirm 'Host has been Rebooted'",
      group: "run",
      on: "one",
      more: true,
      permit: manage,
      refuse: only("non_responsive non_operational maintenance connecting down", "Non Responsive", "be confirmed"),
      confirm: {
        title: "Confirm 'Host has been Rebooted'",
        verb: "OK",
        danger: true,
        question: (rows) => `You answer for it that ${namesOf(rows)} was rebooted by hand. Its VMs are set to Down and may start elsewhere: if it still runs, their disks are written twice.`,
      },
      run: fence("manual"),
    },
    { id: "powerRestart", label: "Restart", icon: "restart", group: "admin", on: "one", more: true, permit: manage, refuse: powered, confirm: { title: "Restart Host(s)", verb: "Restart", danger: true, question: (rows) => `${namesOf(rows)} is restarted by its power management.` }, run: fence("restart") },
    { id: "powerStart", label: "Start", icon: "power", group: "admin", on: "one", more: true, permit: manage, refuse: powered, run: fence("start") },
    { id: "powerStop", label: "Stop", icon: "power", group: "admin", on: "one", more: true, permit: manage, refuse: (row) => powered(row) ?? only("maintenance non_operational non_responsive", "in Maintenance", "be stopped")(row), confirm: { title: "Stop Host(s)", verb: "Stop", danger: true, question: (rows) => `${namesOf(rows)} is switched off by its power management.` }, run: fence("stop") },
    { id: "spm", label: "Select as SPM", group: "admin", on: "one", more: true, permit: manage, refuse: only("up", "Up", "be the SPM"), run: act("forceselectspm") },
    { id: "approve", label: "Approve", icon: "check", group: "admin", on: "one", more: true, permit: manage, refuse: only("pending_approval", "Pending Approval", "be approved"), dialog: "host-approve" },
    { id: "reinstall", label: "Reinstall", icon: "download", group: "admin", on: "one", more: true, permit: manage, refuse: only("maintenance install_failed non_operational", "in Maintenance", "be installed"), dialog: "host-install" },
    { id: "setupNetworks", label: "Setup Host Networks", icon: "network", group: "admin", on: "one", more: true, permit: "configure_host_network", dialog: "host-networks" },
    tagsAction,
  ],
  tabs: [
    factsTab((row) => {
      const cores = ["sockets", "cores", "threads"].map((part) => number(row, `cpu.topology.${part}`) ?? 1);
      return [
        [
          ["Hostname/IP", text(row, "address")],
          ["Cluster", text(cluster(row), "name")],
          ["OS Version", text(row, "os.type") && `${text(row, "os.type")} ${text(row, "os.version.full_version")}`],
          ["Version", text(row, "version.full_version")],
          ["LIBVIRT Version", text(row, "libvirt_version.full_version")],
          ["SELinux mode", words(text(row, "se_linux.mode"))],
          ["Kdump Status", words(text(row, "kdump_status"))],
        ],
        [
          ["Active VMs", text(row, "summary.active")],
          ["Physical Memory", bytes(number(row, "memory"))],
          ["Max free Memory for scheduling", bytes(number(row, "max_scheduling_memory"))],
          ["SPM Priority", text(row, "spm.priority")],
          ["Power Management", truth(row, "power_management.enabled") ? "On" : "Off"],
        ],
        [
          ["CPU Model", text(row, "cpu.name")],
          ["CPU Type", text(row, "cpu.type")],
          ["Logical CPU Cores", `${cores.reduce((all, part) => all * part, 1)} (${cores.join(":")})`],
          ["Manufacturer", text(row, "hardware_information.manufacturer")],
          ["Product Name", text(row, "hardware_information.product_name")],
          ["Serial Number", text(row, "hardware_information.serial_number")],
          ["Host ID", <span key="id" className="ov-mono">{row.id}</span>],
        ],
      ];
    }, (row) => <Load row={row} type="hosts" />),
    listTab({ token: "virtual_machines", label: "Virtual Machines", place: "VirtualMachine", of: () => vms, search: (row) => `host = ${quoted(row.name ?? "")}`, without: ["host"], count: (row) => number(row, "summary.active") }),
    subTable({
      token: "network_interfaces",
      label: "Network Interfaces",
      place: "NetworkInterface",
      one: "network interface",
      many: "network interfaces",
      path: (row) => `/hosts/${row.id}/nics`,
      state: (row) => (text(row, "status") === "up" ? { shape: "up", tone: "green", word: "Up" } : { shape: "down", tone: "grey", word: "Down" }),
      columns: [
        column("name", "Name", 130, "name", { flex: true }),
        { id: "status", label: "Status", width: 70, text: (row) => words(text(row, "status")) },
        { id: "network", label: "Network", width: 140, text: (row) => names.of("networks", text(row, "network.id")) },
        { id: "vlan", label: "VLAN", width: 60, align: "right", text: (row) => text(row, "vlan.id") },
        column("ip", "IPv4 Address", 120, "ip.address"),
        column("ip6", "IPv6 Address", 180, "ipv6.address"),
        column("mac", "MAC", 140, "mac.address", { mono: true }),
        { id: "speed", label: "Speed", width: 90, align: "right", text: (row) => (number(row, "speed") ? `${(number(row, "speed") ?? 0) / 1e6} Mbit/s` : "") },
        column("mtu", "MTU", 60, "mtu", { align: "right" }),
        { id: "bond", label: "Bond", width: 150, text: (row) => items(row, "bonding.slaves").map((slave) => slave.name ?? "").join(", ") || (text(row, "base_interface") ? `on ${text(row, "base_interface")}` : "") },
      ],
      actions: (parent) => [
        { id: "setup", label: "Setup Host Networks", icon: "network", group: "edit", on: "none", dialog: "host-networks" },
        { id: "sync", label: "Sync All Networks", icon: "refresh", group: "run", on: "none", run: () => post(`/hosts/${parent.id}/syncallnetworks`) },
        { id: "save", label: "Save Network Configuration", group: "run", on: "none", run: () => post(`/hosts/${parent.id}/commitnetconfig`) },
      ],
    }),
    subTable({
      token: "host_devices",
      label: "Host Devices",
      place: "HostDevice",
      one: "device",
      many: "devices",
      path: (row) => `/hosts/${row.id}/devices`,
      columns: [
        column("name", "Name", 180, "name", { flex: true }),
        column("capability", "Capability", 100),
        column("vendor", "Vendor", 200, "vendor.name"),
        column("product", "Product", 240, "product.name"),
        column("driver", "Driver", 100),
        { id: "iommu", label: "IOMMU Group", width: 100, align: "right", text: (row) => text(row, "iommu_group") },
      ],
    }),
    subTable({
      token: "host_hooks",
      label: "Host Hooks",
      place: "HostHook",
      one: "hook",
      many: "hooks",
      path: (row) => `/hosts/${row.id}/hooks`,
      columns: [column("name", "Script Name", 220, "name", { flex: true }), column("event", "Event Name", 220, "event_name"), column("md5", "MD5", 270, "md5", { mono: true })],
    }),
    permissionsTab("hosts"),
    subTable({
      token: "affinity_labels",
      label: "Affinity Labels",
      place: "AffinityLabel",
      one: "label",
      many: "labels",
      path: (row) => `/hosts/${row.id}/affinitylabels`,
      columns: [column("name", "Name", 200, "name", { flex: true })],
    }),
    eventsTab("_event_host_id"),
  ],
};
