import { expect, test } from "vitest";
import { addressFaults, assign, breakBond, documentOf, edit, factsOf, faultsOf, join, leave, netsOn, outOfSync, refusesNet, refusesNic, toneOf, unassign, wordsOf } from "./wiring";

const nic = (name: string, more: object = {}) => ({ id: `id-${name}`, name, status: "up", speed: "10000000000", ...more });
const network = (name: string, vlan: string, usages: string[], required = "false") => ({ id: name, name, required, usages: { usage: usages }, ...(vlan ? { vlan: { id: vlan } } : {}) });
const attachment = (name: string, device: string, more: object = {}) => ({ id: `at-${name}`, network: { id: name }, host_nic: { id: `id-${device}` }, in_sync: "true", ...more });

const facts = factsOf(
  [
    nic("bond0", { bonding: { slaves: { host_nic: [{ id: "id-eth1" }, { id: "id-eth2" }] }, options: { option: [{ name: "mode", value: "1" }] } } }),
    nic("eth0"),
    nic("eth1"),
    nic("eth2"),
    nic("eth3", { network_labels: { network_label: [{ id: "san" }] } }),
    nic("bond0.20", { vlan: { id: "20" }, base_interface: "bond0" }),
  ],
  [
    attachment("mgmt", "eth0", { ip_address_assignments: { ip_address_assignment: [{ assignment_method: "static", ip: { version: "v4", address: "10.0.0.2", netmask: "255.255.255.0" } }] } }),
    attachment("web", "bond0", { in_sync: "false", reported_configurations: { reported_configuration: [{ name: "mtu", actual_value: "1500", expected_value: "9000", in_sync: "false" }] } }),
  ],
  [network("mgmt", "", ["management", "vm"]), network("web", "20", ["vm"]), network("plain", "", ["vm"], "true"), network("lab", "30", ["vm"])],
  [],
);
const net = (id: string) => {
  const found = facts.nets.get(id);
  if (!found) throw new Error(id);
  return found;
};
const list = (path: string, document: Record<string, unknown>) => Object.values((document[path] ?? {}) as Record<string, unknown[]>)[0];

test("nothing is sent of what is as it was", () => {
  expect(wordsOf(facts, facts.before)).toEqual([]);
  expect(documentOf(facts, facts.before)).toEqual({});
  expect(toneOf(facts, facts.before, net("web"))).toBe("amber");
  expect(toneOf(facts, facts.before, net("plain"))).toBe("red");
  expect(outOfSync(facts, net("web"))).toBe("web has another MTU on this host (1500) than meant (9000).");
});

test("networks are attached, moved, freed and synchronized", () => {
  let wiring = unassign(assign(facts.before, "lab", "eth3"), "web");
  expect(wordsOf(facts, wiring)).toEqual(["lab to eth3", "web off bond0"]);
  expect(documentOf(facts, wiring)).toEqual({
    modified_network_attachments: { network_attachment: [{ network: { id: "lab" }, host_nic: { name: "eth3" } }] },
    removed_network_attachments: { network_attachment: [{ id: "at-web" }] },
  });
  wiring = edit(facts.before, "web", { sync: true });
  expect(toneOf(facts, wiring, net("web"))).toBe("green");
  expect(documentOf(facts, wiring)).toEqual({ synchronized_network_attachments: { network_attachment: [{ id: "at-web" }] } });
  expect(refusesNet(facts, facts.before, net("plain"), "eth0")).toBe("eth0 carries mgmt without a VLAN already.");
});

test("what lies on NICs goes along into their bond and out of it", () => {
  const [bonded, name] = join(facts.before, "eth0", "eth3");
  expect(name).toBe("bond1");
  expect(netsOn(facts, bonded, "bond1").map((one) => one.id)).toEqual(["mgmt"]);
  expect(list("modified_bonds", documentOf(facts, bonded))).toEqual([
    { name: "bond1", bonding: { slaves: { host_nic: [{ name: "eth0" }, { name: "eth3" }] }, options: { option: [{ name: "mode", value: "4" }, { name: "miimon", value: "100" }] } } },
  ]);
  expect(list("modified_network_attachments", documentOf(facts, bonded))).toEqual([{ id: "at-mgmt", host_nic: { name: "bond1" } }]);
  const broken = breakBond(facts.before, "bond0");
  expect(wordsOf(facts, broken)).toEqual(["bond0 is broken", "web from bond0 to eth1"]);
  expect(list("removed_bonds", documentOf(facts, broken))).toEqual([{ name: "bond0" }]);
  expect(netsOn(facts, leave(facts.before, "eth1"), "eth2").map((one) => one.id)).toEqual(["web"]); // a bond of one is none
  const grown = assign(join(facts.before, "eth3", "bond0")[0], "plain", "bond0");
  expect(refusesNic(facts, grown, "eth0", "bond0")).toBe("eth0 carries mgmt and bond0 carries plain, both without a VLAN.");
  const round = { ...grown, bonds: { bond0: { slaves: ["eth1", "eth2", "eth3"], mode: "6" } } };
  expect(faultsOf(facts, round).map((one) => one.at)).toEqual(["bond:bond0"]);
});

test("addresses and labels", () => {
  const wiring = edit(facts.before, "mgmt", { four: { method: "static", address: "10.0.0.300", netmask: "20", gateway: "" } });
  expect(faultsOf(facts, wiring)).toEqual([{ at: "net:mgmt", says: "mgmt: Write an IPv4 address, such as 10.0.0.5." }]);
  const right = edit(facts.before, "mgmt", { four: { method: "static", address: "10.0.0.3", netmask: "20", gateway: "" } });
  expect(addressFaults(right.lies["mgmt"] ?? { nic: "", sync: false, four: { method: "static", address: "", netmask: "", gateway: "" }, six: { method: "none", address: "", netmask: "", gateway: "" } })).toEqual({});
  expect(list("modified_network_attachments", documentOf(facts, right))).toEqual([
    {
      id: "at-mgmt",
      host_nic: { name: "eth0" },
      ip_address_assignments: { ip_address_assignment: [{ assignment_method: "static", ip: { version: "v4", address: "10.0.0.3", netmask: "255.255.240.0" } }, { assignment_method: "none", ip: { version: "v6" } }] },
    },
  ]);
  const moved = { ...facts.before, labels: { eth0: ["san", "new"], eth3: [] } };
  expect(wordsOf(facts, moved)).toEqual(["label san to eth0", "label new to eth0"]);
  expect(Object.keys(documentOf(facts, moved))).toEqual(["modified_labels"]);
  expect(documentOf(facts, { ...facts.before, labels: {} })).toEqual({ removed_labels: { network_label: [{ id: "san" }] } });
});
