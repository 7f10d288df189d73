/**
 * How a host's networks lie on its NICs and bonds, as it is and as it is wished.
 *
 * Does: read what the API tells, move, bond and break, say why something cannot be, tell the difference in words and as the
 * document of POST setupnetworks. Does not: draw (host-networks.dialog.tsx) or send.
 */
import { type Row, at, items, number, text, truth } from "../../api/read";

export interface Address {
  method: string;
  address: string;
  netmask: string;
  gateway: string;
}
export interface Lie {
  /** NIC or bond by name. */
  nic: string;
  four: Address;
  six: Address;
  sync: boolean;
}
export interface Bond {
  slaves: readonly string[];
  mode: string;
}
/** lies: by network id. labels: by NIC or bond. */
export interface Wiring {
  lies: Readonly<Record<string, Lie>>;
  bonds: Readonly<Record<string, Bond>>;
  labels: Readonly<Record<string, readonly string[]>>;
}
export interface Nic {
  name: string;
  id: string;
  up: boolean;
  /** bit/s */
  speed: number;
  mac: string;
}
export interface Net {
  id: string;
  name: string;
  vlan: string;
  required: boolean;
  roles: readonly string[];
  external: boolean;
  /** Of the host's cluster; others can only leave. */
  offered: boolean;
}
/** attachments: network id -> attachment. */
export interface Facts {
  nics: readonly Nic[];
  nets: ReadonlyMap<string, Net>;
  attachments: ReadonlyMap<string, Row>;
  before: Wiring;
}

export const MODES: readonly { value: string; label: string }[] = [
  { value: "0", label: "(Mode 0) Round Robin" },
  { value: "1", label: "(Mode 1) Active-Backup" },
  { value: "2", label: "(Mode 2) Load balance (balance-xor)" },
  { value: "3", label: "(Mode 3) Broadcast" },
  { value: "4", label: "(Mode 4) Dynamic link aggregation (802.3ad)" },
  { value: "5", label: "(Mode 5) Adaptive transmit load balancing (balance-tlb)" },
  { value: "6", label: "(Mode 6) Adaptive load balancing (balance-alb)" },
];
/** Modes that a bond below a bridge cannot have. */
const UNBRIDGED = new Set(["0", "5", "6"]);
const NAMES: Readonly<Record<string, string>> = { "balance-rr": "0", "active-backup": "1", "balance-xor": "2", broadcast: "3", "802.3ad": "4", "balance-tlb": "5", "balance-alb": "6" };
export const NOTHING: Address = { method: "none", address: "", netmask: "", gateway: "" };
const compare = new Intl.Collator(undefined, { numeric: true }).compare;
const usages = (row: Row): string[] => items(row, "usages") as unknown as string[];

function addressOf(attachment: Row, version: "v4" | "v6"): Address {
  const found = items(attachment, "ip_address_assignments").find((one) => (text(one, "ip.version") || "v4") === version);
  return found ? { method: text(found, "assignment_method") || "none", address: text(found, "ip.address"), netmask: text(found, "ip.netmask"), gateway: text(found, "ip.gateway") } : NOTHING;
}

/** What the API tells of a host. networks: of its cluster, with roles; all: of everywhere, for names. */
export function factsOf(nics: readonly Row[], attachments: readonly Row[], networks: readonly Row[], all: readonly Row[]): Facts {
  const byId = new Map(nics.map((nic) => [nic.id, nic.name ?? ""]));
  const offered = new Set(networks.map((one) => one.id));
  const laid = new Set(attachments.map((one) => text(one, "network.id")));
  const nets = [...networks, ...all.filter((one) => laid.has(one.id) && !offered.has(one.id))].map((one) => ({
    id: one.id,
    name: one.name ?? "",
    vlan: text(one, "vlan.id"),
    required: truth(one, "required"),
    roles: [...usages(one), ...(truth(one, "display") && !usages(one).includes("display") ? ["display"] : [])],
    external: at(one, "external_provider") !== undefined,
    offered: offered.has(one.id),
  }));
  const bonds = nics.filter((nic) => nic["bonding"] !== undefined);
  return {
    nics: nics
      .filter((nic) => nic["bonding"] === undefined && nic["vlan"] === undefined)
      .map((nic) => ({ name: nic.name ?? "", id: nic.id, up: text(nic, "status") === "up", speed: number(nic, "speed") ?? 0, mac: text(nic, "mac.address") }))
      .toSorted((a, b) => compare(a.name, b.name)),
    nets: new Map(nets.toSorted((a, b) => compare(a.name, b.name)).map((net) => [net.id, net])),
    attachments: new Map(attachments.map((one) => [text(one, "network.id"), one])),
    before: {
      lies: Object.fromEntries(
        attachments.map((one) => [text(one, "network.id"), { nic: byId.get(text(one, "host_nic.id")) ?? "", four: addressOf(one, "v4"), six: addressOf(one, "v6"), sync: false }]),
      ),
      bonds: Object.fromEntries(
        bonds.map((nic) => {
          const mode = items(nic, "bonding.options").find((one) => one.name === "mode");
          const told = text(mode, "value").split(" ");
          return [nic.name ?? "", { slaves: items(nic, "bonding.slaves").map((one) => byId.get(one.id) ?? one.name ?? ""), mode: told.find((one) => /^\d$/.test(one)) ?? NAMES[told[0] ?? ""] ?? "4" }];
        }),
      ),
      labels: Object.fromEntries(nics.map((nic) => [nic.name ?? "", items(nic, "network_labels").map((one) => one.id)])),
    },
  };
}

// -- what is where ----------------------------------------------------------------------------------------------------

export const bondOf = (wiring: Wiring, nic: string): string | undefined => Object.keys(wiring.bonds).find((bond) => wiring.bonds[bond]?.slaves.includes(nic));
/** Bonds, then NICs that are in none. */
export const devices = (facts: Facts, wiring: Wiring): string[] => [...Object.keys(wiring.bonds).toSorted(compare), ...facts.nics.map((nic) => nic.name).filter((nic) => !bondOf(wiring, nic))];
export const netsOn = (facts: Facts, wiring: Wiring, device: string): Net[] => [...facts.nets.values()].filter((net) => wiring.lies[net.id]?.nic === device);
export const freeNets = (facts: Facts, wiring: Wiring): Net[] => [...facts.nets.values()].filter((net) => !wiring.lies[net.id]?.nic);
export const managing = (net: Net): boolean => net.roles.includes("management");

/** In use, out of sync, missing, free or of others: the left edge. */
export function toneOf(facts: Facts, wiring: Wiring, net: Net): "green" | "amber" | "red" | "grey" | "violet" {
  if (net.external) return "violet";
  const lie = wiring.lies[net.id];
  if (!lie) return net.required ? "red" : "grey";
  return facts.attachments.has(net.id) && !lie.sync && !inSync(facts, net.id) ? "amber" : "green";
}
const inSync = (facts: Facts, net: string): boolean => text(facts.attachments.get(net), "in_sync") !== "false";

/** What differs on the host from what is meant, as a sentence; nothing if it is in sync. */
export function outOfSync(facts: Facts, net: Net): string | undefined {
  if (inSync(facts, net.id)) return undefined;
  const words: Readonly<Record<string, string>> = { mtu: "MTU", vlan: "VLAN", bridged: "kind (bridged)" };
  const parts = items(facts.attachments.get(net.id), "reported_configurations")
    .filter((one) => !truth(one, "in_sync"))
    .map((one) => `another ${words[one.name ?? ""] ?? (one.name ?? "").replaceAll("_", " ")} on this host (${text(one, "actual_value") || "none"}) than meant (${text(one, "expected_value") || "none"})`);
  return `${net.name} has ${parts.join(", ") || "other settings on this host than meant"}.`;
}

// -- changes ----------------------------------------------------------------------------------------------------------

/** Why a network cannot lie there, with the name of what is in the way. */
export function refusesNet(facts: Facts, wiring: Wiring, net: Net, device: string): string | undefined {
  if (!net.offered) return `${net.name} is not in the host's cluster; it can only be unassigned.`;
  if (net.external) return `${net.name} belongs to an external provider; hosts need no attachment for it.`;
  const rival = netsOn(facts, wiring, device).find((other) => other.id !== net.id && other.vlan === net.vlan);
  return rival ? `${device} carries ${rival.name} ${net.vlan ? `with VLAN ${net.vlan}` : "without a VLAN"} already.` : undefined;
}
export const assign = (wiring: Wiring, net: string, device: string): Wiring => ({
  ...wiring,
  lies: { ...wiring.lies, [net]: { ...(wiring.lies[net] ?? { four: NOTHING, six: NOTHING, sync: false }), nic: device } },
});
export const unassign = (wiring: Wiring, net: string): Wiring => ({ ...wiring, lies: Object.fromEntries(Object.entries(wiring.lies).filter(([id]) => id !== net)) });

/** Why a NIC cannot be bonded with that NIC or bond. */
export function refusesNic(facts: Facts, wiring: Wiring, nic: string, device: string): string | undefined {
  if (bondOf(wiring, nic) === device) return `${nic} is in ${device} already.`;
  if (nic === device) return `${nic} cannot be bonded with itself.`;
  for (const net of netsOn(facts, wiring, nic)) {
    const rival = netsOn(facts, wiring, device).find((other) => other.vlan === net.vlan);
    if (rival) return `${nic} carries ${net.name} and ${device} carries ${rival.name}, both ${net.vlan ? `with VLAN ${net.vlan}` : "without a VLAN"}.`;
  }
  return undefined;
}
const carry = (wiring: Wiring, from: string, to: string): Wiring => ({
  ...wiring,
  lies: Object.fromEntries(Object.entries(wiring.lies).map(([id, lie]) => [id, lie.nic === from ? { ...lie, nic: to } : lie])),
});
export const freeBondName = (wiring: Wiring): string => {
  let index = 0;
  while (wiring.bonds[`bond${index}`]) index += 1;
  return `bond${index}`;
};

/** Put a NIC into a bond, or make one of two NICs; what lay on them lies on the bond. Gives the bond's name. */
export function join(wiring: Wiring, nic: string, device: string): [Wiring, string] {
  const freed = leave(wiring, nic);
  const known = freed.bonds[device];
  const name = known ? device : freeBondName(freed);
  const bond = known ? { ...known, slaves: [...known.slaves, nic] } : { slaves: [device, nic].toSorted(compare), mode: "4" };
  return [carry(carry({ ...freed, bonds: { ...freed.bonds, [name]: bond } }, nic, name), device, name), name];
}

/** Take a NIC out of its bond; a bond of one is none. */
export function leave(wiring: Wiring, nic: string): Wiring {
  const name = bondOf(wiring, nic);
  const bond = name === undefined ? undefined : wiring.bonds[name];
  if (name === undefined || !bond) return wiring;
  const slaves = bond.slaves.filter((one) => one !== nic);
  return slaves.length > 1 ? { ...wiring, bonds: { ...wiring.bonds, [name]: { ...bond, slaves } } } : dissolve(wiring, name, slaves[0] ?? nic);
}
function dissolve(wiring: Wiring, name: string, heir: string): Wiring {
  const { [name]: _, ...bonds } = wiring.bonds;
  return carry({ ...wiring, bonds }, name, heir);
}
/** The bond is no more; its networks lie on its first NIC. */
export const breakBond = (wiring: Wiring, name: string): Wiring => dissolve(wiring, name, wiring.bonds[name]?.slaves[0] ?? "");

export function renameBond(wiring: Wiring, name: string, next: string): Wiring {
  const { [name]: bond, ...bonds } = wiring.bonds;
  return bond ? carry({ ...wiring, bonds: { ...bonds, [next]: bond } }, name, next) : wiring;
}
export const edit = (wiring: Wiring, net: string, change: Partial<Lie>): Wiring => {
  const lie = wiring.lies[net];
  return lie ? { ...wiring, lies: { ...wiring.lies, [net]: { ...lie, ...change } } } : wiring;
};

// -- what is wrong ----------------------------------------------------------------------------------------------------

const FOUR = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const SIX = /^[\da-fA-F:]*:[\da-fA-F:]*(\.\d+){0,3}$/;

/** Faults of a network's addresses by field: `four.address`. */
export function addressFaults(lie: Lie): Record<string, string> {
  const found: Record<string, string> = {};
  if (lie.four.method === "static") {
    if (!FOUR.test(lie.four.address)) found["four.address"] = "Write an IPv4 address, such as 10.0.0.5.";
    if (!FOUR.test(lie.four.netmask) && !/^([1-9]|[12]\d|3[0-2])$/.test(lie.four.netmask)) found["four.netmask"] = "Write a netmask, such as 255.255.255.0 or 24.";
    if (lie.four.gateway && !FOUR.test(lie.four.gateway)) found["four.gateway"] = "Write an IPv4 address, or nothing.";
  }
  if (lie.six.method === "static") {
    if (!SIX.test(lie.six.address)) found["six.address"] = "Write an IPv6 address, such as fd00::5.";
    if (!/^([1-9]|[1-9]\d|1[01]\d|12[0-8])$/.test(lie.six.netmask)) found["six.netmask"] = "Write a prefix length, 1 to 128.";
    if (lie.six.gateway && !SIX.test(lie.six.gateway)) found["six.gateway"] = "Write an IPv6 address, or nothing.";
  }
  return found;
}
/** What stands against sending: sentences, each with where to mend it (`net:ID`, `bond:NAME`). */
export function faultsOf(facts: Facts, wiring: Wiring): { at: string; says: string }[] {
  const found = Object.entries(wiring.lies)
    .filter(([id, lie]) => changedAddresses(facts, id, lie) && Object.keys(addressFaults(lie)).length > 0)
    .map(([id, lie]) => ({ at: `net:${id}`, says: `${facts.nets.get(id)?.name}: ${Object.values(addressFaults(lie))[0]}` }));
  for (const [name, bond] of Object.entries(wiring.bonds)) {
    if (!/^bond[A-Za-z0-9_]{1,11}$/.test(name)) found.push({ at: `bond:${name}`, says: `A bond's name is bond and 1 to 11 letters, digits or _, not ${name}.` });
    const guest = UNBRIDGED.has(bond.mode) && differs(facts.before.bonds[name], bond) ? netsOn(facts, wiring, name).find((net) => net.roles.includes("vm")) : undefined;
    if (guest) found.push({ at: `bond:${name}`, says: `${name} carries ${guest.name}, a VM network: its mode must be 1, 2, 3 or 4.` });
  }
  return found;
}

// -- the difference ---------------------------------------------------------------------------------------------------

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const differs = (before: Bond | undefined, now: Bond): boolean => !before || before.mode !== now.mode || !same(before.slaves.toSorted(compare), now.slaves.toSorted(compare));
const changedAddresses = (facts: Facts, id: string, lie: Lie): boolean => !same([lie.four, lie.six], [facts.before.lies[id]?.four ?? NOTHING, facts.before.lies[id]?.six ?? NOTHING]);
const labelChanges = (facts: Facts, wiring: Wiring): { gone: string[]; put: { nic: string; label: string }[] } => {
  const all = (from: Wiring): { nic: string; label: string }[] => Object.entries(from.labels).flatMap(([nic, labels]) => labels.map((label) => ({ nic, label })));
  const [before, now] = [all(facts.before), all(wiring)];
  return {
    gone: before.filter((one) => !now.some((other) => other.label === one.label)).map((one) => one.label),
    put: now.filter((one) => !before.some((other) => same(other, one))),
  };
};

/** Every pending change in words. */
export function wordsOf(facts: Facts, wiring: Wiring): string[] {
  const name = (id: string): string => facts.nets.get(id)?.name ?? id;
  const { gone, put } = labelChanges(facts, wiring);
  return [
    ...Object.entries(wiring.bonds).flatMap(([bond, { slaves, mode }]) =>
      differs(facts.before.bonds[bond], { slaves, mode }) ? [`${bond} ${facts.before.bonds[bond] ? "becomes" : "is made of"} ${slaves.join(" and ")} (mode ${mode})`] : [],
    ),
    ...Object.keys(facts.before.bonds).flatMap((bond) => (wiring.bonds[bond] ? [] : [`${bond} is broken`])),
    ...Object.entries(wiring.lies).flatMap(([id, lie]) => {
      const before = facts.before.lies[id];
      if (!before) return [`${name(id)} to ${lie.nic}`];
      return [
        ...(before.nic === lie.nic ? [] : [`${name(id)} from ${before.nic || "nowhere"} to ${lie.nic}`]),
        ...(changedAddresses(facts, id, lie) ? [`addresses of ${name(id)}`] : []),
        ...(lie.sync ? [`${name(id)} is synchronized`] : []),
      ];
    }),
    ...Object.keys(facts.before.lies).flatMap((id) => (wiring.lies[id] ? [] : [`${name(id)} off ${facts.before.lies[id]?.nic}`])),
    ...put.map(({ nic, label }) => `label ${label} to ${nic}`),
    ...gone.map((label) => `label ${label} is removed`),
  ];
}

function assignment(version: "v4" | "v6", { method, address, netmask, gateway }: Address): Record<string, unknown> {
  const mask = version === "v4" && /^\d+$/.test(netmask) ? maskOf(Number(netmask)) : netmask;
  return { assignment_method: method, ip: { version, ...(method === "static" ? { address, netmask: mask, ...(gateway ? { gateway } : {}) } : {}) } };
}
const maskOf = (prefix: number): string => [0, 1, 2, 3].map((index) => 256 - 2 ** (8 - Math.max(0, Math.min(8, prefix - 8 * index)))).join(".");

/** The document of POST setupnetworks; only what differs. */
export function documentOf(facts: Facts, wiring: Wiring): Record<string, unknown> {
  const modified: Record<string, unknown>[] = [];
  const synchronized: Record<string, unknown>[] = [];
  for (const [id, lie] of Object.entries(wiring.lies)) {
    const before = facts.before.lies[id];
    const addresses = changedAddresses(facts, id, lie);
    if (!before || before.nic !== lie.nic || addresses)
      modified.push({
        ...(before ? { id: facts.attachments.get(id)?.id } : { network: { id } }),
        host_nic: { name: lie.nic },
        ...(addresses ? { ip_address_assignments: { ip_address_assignment: [assignment("v4", lie.four), assignment("v6", lie.six)] } } : {}),
      });
    else if (lie.sync) synchronized.push({ id: facts.attachments.get(id)?.id });
  }
  const removed = Object.keys(facts.before.lies).filter((id) => !wiring.lies[id]);
  const bonds = Object.entries(wiring.bonds).filter(([name, bond]) => differs(facts.before.bonds[name], bond));
  const broken = Object.keys(facts.before.bonds).filter((name) => !wiring.bonds[name]);
  const { gone, put } = labelChanges(facts, wiring);
  return {
    ...(modified.length > 0 ? { modified_network_attachments: { network_attachment: modified } } : {}),
    ...(removed.length > 0 ? { removed_network_attachments: { network_attachment: removed.map((id) => ({ id: facts.attachments.get(id)?.id })) } } : {}),
    ...(synchronized.length > 0 ? { synchronized_network_attachments: { network_attachment: synchronized } } : {}),
    ...(bonds.length > 0
      ? {
          modified_bonds: {
            host_nic: bonds.map(([name, { slaves, mode }]) => ({
              name,
              bonding: { slaves: { host_nic: slaves.map((slave) => ({ name: slave })) }, options: { option: [{ name: "mode", value: mode }, { name: "miimon", value: "100" }] } },
            })),
          },
        }
      : {}),
    ...(broken.length > 0 ? { removed_bonds: { host_nic: broken.map((name) => ({ name })) } } : {}),
    ...(put.length > 0 ? { modified_labels: { network_label: put.map(({ nic, label }) => ({ id: label, host_nic: { name: nic } })) } } : {}),
    ...(gone.length > 0 ? { removed_labels: { network_label: gone.map((id) => ({ id })) } } : {}),
  };
}
