/** The pane that edits one thing of a host's wiring: a network's addresses, a bond, a NIC's labels. */
import type { ReactElement } from "react";
import { FieldRow } from "../../forms/Field";
import type { Field, Values } from "../../forms/fields";
import { Icon } from "../../ui/Icon";
import { type Facts, MODES, type Wiring, addressFaults, edit, outOfSync, renameBond } from "./wiring";

interface Props {
  facts: Facts;
  wiring: Wiring;
  /** `net:ID`, `bond:NAME`, `nic:NAME`. */
  what: string;
  /** Faults are shown from the first OK on. */
  strict: boolean;
  onChange: (wiring: Wiring, what?: string) => void;
  onDone: () => void;
}

const FOUR = ["none", "dhcp", "static"].map((value) => ({ value, label: { none: "None", dhcp: "DHCP", static: "Static" }[value] ?? value }));
const SIX = [
  { value: "none", label: "None" },
  { value: "dhcp", label: "DHCPv6" },
  { value: "autoconf", label: "Stateless address autoconfiguration" },
  { value: "poly_dhcp_autoconf", label: "DHCPv6 and autoconfiguration" },
  { value: "static", label: "Static" },
];
const fixed = (path: string) => (values: Values): boolean => values[path] === "static";
const ADDRESSES: Field[] = [
  { path: "four.method", label: "IPv4 boot protocol", kind: "choice", choices: FOUR },
  { path: "four.address", label: "IPv4 address", kind: "mono", when: fixed("four.method"), required: true },
  { path: "four.netmask", label: "Netmask / Routing prefix", kind: "mono", when: fixed("four.method"), required: true },
  { path: "four.gateway", label: "IPv4 gateway", kind: "mono", when: fixed("four.method") },
  { path: "six.method", label: "IPv6 boot protocol", kind: "choice", choices: SIX },
  { path: "six.address", label: "IPv6 address", kind: "mono", when: fixed("six.method"), required: true },
  { path: "six.netmask", label: "IPv6 routing prefix", kind: "mono", when: fixed("six.method"), required: true },
  { path: "six.gateway", label: "IPv6 gateway", kind: "mono", when: fixed("six.method") },
];

export function WiringEdit({ facts, wiring, what, strict, onChange, onDone }: Props): ReactElement | null {
  const [kind = "", key = ""] = [what.slice(0, what.indexOf(":")), what.slice(what.indexOf(":") + 1)];
  const lie = kind === "net" ? wiring.lies[key] : undefined;
  const net = facts.nets.get(key);
  const bond = kind === "bond" ? wiring.bonds[key] : undefined;
  const title = kind === "net" ? `Edit network ${net?.name ?? ""}` : kind === "bond" ? `Edit bond ${key}` : `Edit interface ${key}`;
  let body: ReactElement | undefined;
  if (lie && net) {
    const faults = strict ? addressFaults(lie) : {};
    const values: Values = Object.fromEntries((["four", "six"] as const).flatMap((part) => Object.entries(lie[part]).map(([name, value]) => [`${part}.${name}`, value as string])));
    const stale = outOfSync(facts, net);
    body = (
      <>
        {ADDRESSES.map((field) => (
          <FieldRow
            key={field.path}
            field={field}
            values={values}
            fault={faults[field.path]}
            above
            onChange={(path, value) => {
              const part = path.startsWith("four") ? "four" : "six";
              onChange(edit(wiring, key, { [part]: { ...lie[part], [path.slice(part.length + 1)]: value } }));
            }}
          />
        ))}
        {stale && (
          <FieldRow
            field={{ path: "sync", label: "Sync network", kind: "check", help: stale }}
            values={{ sync: String(lie.sync) }}
            above
            onChange={(_, value) => onChange(edit(wiring, key, { sync: value === "true" }))}
          />
        )}
      </>
    );
  } else if (bond) {
    body = (
      <>
        <FieldRow
          field={{ path: "name", label: "Bond name", kind: "text", fixed: () => (facts.before.bonds[key] ? "A bond keeps its name." : undefined) }}
          values={{ name: key }}
          above
          onChange={(_, value) => (value === "" || wiring.bonds[value] ? undefined : onChange(renameBond(wiring, key, value), `bond:${value}`))}
        />
        <FieldRow
          field={{ path: "mode", label: "Bonding mode", kind: "choice", choices: MODES }}
          values={{ mode: bond.mode }}
          above
          onChange={(_, mode) => onChange({ ...wiring, bonds: { ...wiring.bonds, [key]: { ...bond, mode } } })}
        />
        <p className="ov-muted">Of {bond.slaves.join(" and ")}. VM networks need mode 1, 2, 3 or 4.</p>
      </>
    );
  } else if (kind === "nic") {
    const nic = facts.nics.find((one) => one.name === key);
    body = (
      <p className="ov-muted">
        {nic?.mac} {nic?.up ? "up" : "no link"}
      </p>
    );
  }
  if (!body) return null;
  return (
    <section aria-label={title} className="ov-wire-edit">
      <header>
        <h3>{title}</h3>
        <button type="button" className="ov-button bare" aria-label="Close the editor" onClick={onDone}>
          <Icon name="close" size={13} />
        </button>
      </header>
      {body}
      {kind !== "net" && (
        <FieldRow
          key={key}
          field={{ path: "labels", label: "Labels", kind: "text", help: "Separated by commas. Networks with that label come and go with it." }}
          values={{ labels: (wiring.labels[key] ?? []).join(",") }}
          above
          onChange={(_, value) => onChange({ ...wiring, labels: { ...wiring.labels, [key]: value === "" ? [] : value.split(",").map((one, index, all) => (index < all.length - 1 ? one.trim() : one.trimStart())) } })}
        />
      )}
      <button type="button" className="ov-button outline" onClick={onDone}>
        Done
      </button>
    </section>
  );
}
