/** Sub-tabs of a VM. Follows: web admin facts 2.3. */
import { lazy } from "react";
import { type Row, items, number, put, remove, text, truth } from "../../api/client";
import { names } from "../../data/names";
import { bytes } from "../../ui/format";
import { words } from "../../ui/StateIcon";
import type { Refusal, SubTab } from "../declare";
import { allocation, diskState } from "../disks";
import { column, eventsTab, namesOf, permissionsTab } from "../parts/common";
import { subTable } from "../parts/subTable";
import { formatAddress } from "../../router";

const below = (name: string) => (row: Row): string => `/vms/${row.id}/${name}`;
const linked = (row: Row): boolean => truth(row, "linked") && truth(row, "plugged");
const isOn = (row: Row): Refusal | undefined => (truth(row, "active") ? { short: "active", long: `${text(row, "disk.alias")} is active.` } : undefined);
const isOff = (row: Row): Refusal | undefined => (truth(row, "active") ? undefined : { short: "not active", long: `${text(row, "disk.alias")} is not active.` });

export const TABS: SubTab[] = [
  { token: "general", label: "General", component: lazy(() => import("./General")) },
  subTable({
    token: "network_interfaces",
    label: "Network Interfaces",
    place: "NetworkInterface",
    one: "network interface",
    many: "network interfaces",
    path: (row) => `${below("nics")(row)}?follow=reporteddevices`,
    state: (row) => (linked(row) ? { shape: "up", tone: "green", word: "Up" } : { shape: "down", tone: "grey", word: "Down" }),
    columns: [
      column("name", "Name", 130, "name", { flex: true }),
      { id: "plugged", label: "Plugged", width: 70, text: (row) => (truth(row, "plugged") ? "Yes" : "No") },
      { id: "link", label: "Link State", width: 80, text: (row) => (truth(row, "linked") ? "Up" : "Down") },
      { id: "network", label: "Network", width: 120, text: (row) => names.of("networks", text(names.row("vnicprofiles", text(row, "vnic_profile.id")), "network.id")) },
      { id: "profile", label: "Profile", width: 120, text: (row) => names.of("vnicprofiles", text(row, "vnic_profile.id")) },
      column("type", "Type", 90, "interface"),
      column("mac", "MAC", 140, "mac.address", { mono: true }),
      { id: "ip", label: "IP Addresses", width: 160, text: (row) => items(row, "reported_devices").flatMap((device) => items(device, "ips").map((ip) => text(ip, "address"))).join(", ") },
    ],
    actions: (parent) => [
      { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "nic-edit" },
      { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "nic-edit" },
      {
        id: "remove",
        label: "Remove",
        icon: "trash",
        group: "edit",
        on: "each",
        confirm: { title: "Remove Network Interface(s)", verb: "Remove", danger: true, question: (rows) => `${namesOf(rows)} leaves ${parent.name}.` },
        run: (row) => remove(`/vms/${parent.id}/nics/${row.id}`),
        done: "removed",
      },
    ],
  }),
  subTable({
    token: "disks",
    label: "Disks",
    place: "Disk",
    one: "disk",
    many: "disks",
    path: (row) => `${below("diskattachments")(row)}?follow=disk`,
    state: (row) => (truth(row, "active") ? diskState(text(row, "disk.status") || "ok") : { shape: "down", tone: "grey", word: "Inactive" }),
    href: (row) => formatAddress({ place: "disks", tab: "general", params: { id: text(row, "disk.id") } }),
    columns: [
      column("alias", "Alias", 150, "disk.alias", { flex: true }),
      { id: "size", label: "Virtual Size", width: 90, align: "right", text: (row) => bytes(number(row, "disk.provisioned_size")) },
      { id: "actual", label: "Actual Size", width: 90, align: "right", text: (row) => bytes(number(row, "disk.actual_size")) },
      { id: "allocation", label: "Allocation Policy", width: 120, text: (row) => allocation((row["disk"] ?? {}) as Row) },
      { id: "storage", label: "Storage Domain", width: 130, text: (row) => items(row, "disk.storage_domains").map((domain) => names.of("storagedomains", domain.id)).filter(Boolean).join(", ") },
      column("interface", "Interface", 100),
      { id: "boot", label: "Bootable", width: 70, text: (row) => (truth(row, "bootable") ? "Yes" : "No") },
      { id: "readOnly", label: "Read Only", width: 76, text: (row) => (truth(row, "read_only") ? "Yes" : "No") },
      { id: "status", label: "Status", width: 80, text: (row) => (text(row, "disk.status") === "ok" ? "OK" : words(text(row, "disk.status"))) },
    ],
    actions: (parent) => [
      { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "vm-disk-edit" },
      { id: "attach", label: "Attach", icon: "link", group: "new", on: "none", dialog: "vm-disk-attach" },
      { id: "edit", label: "Edit", icon: "pencil", group: "edit", on: "one", dialog: "vm-disk-edit" },
      { id: "remove", label: "Remove", icon: "trash", group: "edit", on: "all", dialog: "vm-disk-remove" },
      { id: "activate", label: "Activate", icon: "play", group: "run", on: "each", refuse: isOn, run: (row) => put(`/vms/${parent.id}/diskattachments/${row.id}`, { active: "true" }), done: "activated" },
      { id: "deactivate", label: "Deactivate", icon: "power", group: "run", on: "each", refuse: isOff, run: (row) => put(`/vms/${parent.id}/diskattachments/${row.id}`, { active: "false" }), done: "deactivated" },
      { id: "move", label: "Move", icon: "migrate", group: "move", on: "all", dialog: "vm-disk-move" },
    ],
  }),
  { token: "snapshots", label: "Snapshots", place: "VirtualMachineSnapshot", component: lazy(() => import("./Snapshots")) },
  subTable({
    token: "applications",
    label: "Applications",
    place: "VirtualMachineApplication",
    one: "application",
    many: "applications",
    path: below("applications"),
    columns: [column("name", "Installed Applications", 400, "name", { flex: true })],
    empty: "The guest agent has told of no applications.",
  }),
  subTable({
    token: "host_devices",
    label: "Host Devices",
    place: "HostDevice",
    one: "host device",
    many: "host devices",
    path: below("hostdevices"),
    columns: [column("name", "Name", 180, "name", { flex: true }), column("capability", "Capability", 100), column("vendor", "Vendor", 200, "vendor.name"), column("product", "Product", 220, "product.name"), column("driver", "Driver", 100)],
    actions: (parent) => [
      { id: "add", label: "Add device", icon: "plus", group: "new", on: "none", dialog: "vm-host-device" },
      {
        id: "remove",
        label: "Remove device",
        icon: "trash",
        group: "edit",
        on: "each",
        confirm: { title: "Remove Host Device(s)", verb: "Remove", question: (rows) => `${namesOf(rows)} goes back to its host.` },
        run: (row) => remove(`/vms/${parent.id}/hostdevices/${row.id}`),
        done: "removed",
      },
    ],
  }),
  subTable({
    token: "devices",
    label: "VM Devices",
    place: "VirtualMachineDevice",
    one: "device",
    many: "devices",
    path: below("reporteddevices"),
    columns: [column("name", "Name", 160, "name", { flex: true }), column("type", "Type", 100), column("mac", "MAC", 150, "mac.address", { mono: true }), { id: "ips", label: "IP Addresses", width: 240, text: (row) => items(row, "ips").map((ip) => text(ip, "address")).join(", ") }],
    empty: "The guest agent has told of no devices.",
  }),
  subTable({
    token: "affinity_groups",
    label: "Affinity Groups",
    place: "AffinityGroup",
    one: "affinity group",
    many: "affinity groups",
    path: (row) => `/clusters/${text(row, "cluster.id")}/affinitygroups?follow=vms`,
    rows: (rows, parent) => rows.filter((row) => items(row, "vms").some((vm) => vm.id === parent.id)),
    columns: [column("name", "Name", 180, "name", { flex: true }), column("description", "Description", 260), { id: "priority", label: "Priority", width: 70, align: "right", text: (row) => text(row, "priority") }],
    empty: "This VM is in no affinity group.",
  }),
  subTable({
    token: "affinity_labels",
    label: "Affinity Labels",
    place: "AffinityLabel",
    one: "label",
    many: "labels",
    path: below("affinitylabels"),
    columns: [column("name", "Name", 240, "name", { flex: true })],
  }),
  subTable({
    token: "guest_info",
    label: "Guest Info",
    one: "session",
    many: "sessions",
    path: below("sessions"),
    columns: [
      { id: "user", label: "User Name", width: 200, flex: true, text: (row) => text(row, "user.user_name") || text(row, "user.name") },
      column("protocol", "Protocol", 90),
      column("ip", "IP Address", 130, "ip.address"),
      { id: "console", label: "Console User", width: 100, text: (row) => (truth(row, "console_user") ? "Yes" : "No") },
    ],
    empty: "Nobody is logged in, as far as the guest agent tells.",
  }),
  permissionsTab("vms"),
  eventsTab("_event_vm_id"),
];
