/** A scheduling policy as its editor holds it: pure changes, and the document that says it. */
import { type Row, items, text, truth } from "../api/client";

export interface Unit {
  id: string;
  name: string;
  kind: "filter" | "weight" | "load_balancing" | "selector";
  description: string;
  external: boolean;
  enabled: boolean;
  /** Names of its properties and the patterns of their values. */
  properties: [name: string, pattern: string][];
}
export interface Policy {
  name: string;
  description: string;
  /** Ids in order; the first may be fixed first, the last fixed last. */
  filters: string[];
  first: string;
  last: string;
  weights: { id: string; factor: number }[];
  balance: string;
  selector: string;
  properties: Record<string, string>;
}
export type Pane = "filters" | "noFilters" | "weights" | "noWeights";

export const unitOf = (row: Row): Unit => ({
  id: row.id,
  name: row.name ?? "",
  kind: (text(row, "type") || "selector") as Unit["kind"],
  description: text(row, "description"),
  external: !truth(row, "internal"),
  enabled: truth(row, "enabled"),
  properties: items(row, "properties").map((one) => [one.name ?? "", text(one, "value")]),
});

export function policyOf(row: Row | undefined, parts: { filters: Row[]; weights: Row[]; balances: Row[] }, units: readonly Unit[]): Policy {
  const at = (position: string): string => parts.filters.find((one) => text(one, "position") === position)?.id ?? "";
  const kinds = new Map(units.map((unit) => [unit.id, unit.kind]));
  const weights = parts.weights.map((one) => ({ id: text(one, "scheduling_policy_unit.id") || one.id, factor: Number(text(one, "factor") || 1) }));
  const order = (one: Row): number => ({ "-1": 0, "0": 1, "1": 2 })[text(one, "position")] ?? 1;
  return {
    name: row?.name ?? "",
    description: text(row, "description"),
    filters: parts.filters.toSorted((a, b) => order(a) - order(b)).map((one) => text(one, "scheduling_policy_unit.id") || one.id),
    first: at("-1"),
    last: at("1"),
    weights: weights.filter((one) => kinds.get(one.id) !== "selector"),
    selector: weights.find((one) => kinds.get(one.id) === "selector")?.id ?? "",
    balance: parts.balances[0] ? text(parts.balances[0], "scheduling_policy_unit.id") || parts.balances[0].id : "",
    properties: Object.fromEntries(items(row, "properties").map((one) => [one.name ?? "", text(one, "value")])),
  };
}

/** Put a unit into a pane, before another one (or at the end). */
export function move(policy: Policy, id: string, to: Pane, before?: string): Policy {
  const without = <T>(list: T[], key: (one: T) => string): T[] => list.filter((one) => key(one) !== id);
  const place = <T>(list: T[], one: T, key: (one: T) => string): T[] => {
    const at = before === undefined ? -1 : list.findIndex((other) => key(other) === before);
    return at < 0 ? [...list, one] : [...list.slice(0, at), one, ...list.slice(at)];
  };
  const plain = (one: string): string => one;
  const weight = (one: { id: string }): string => one.id;
  if (to === "filters") {
    const filters = place(without(policy.filters, plain), id, plain);
    return { ...policy, filters, first: policy.first === id && filters[0] !== id ? "" : policy.first, last: policy.last === id && filters.at(-1) !== id ? "" : policy.last };
  }
  if (to === "noFilters") return { ...policy, filters: without(policy.filters, plain), first: policy.first === id ? "" : policy.first, last: policy.last === id ? "" : policy.last };
  if (to === "weights") {
    const old = policy.weights.find((one) => one.id === id);
    return { ...policy, weights: place(without(policy.weights, weight), old ?? { id, factor: 1 }, weight) };
  }
  return { ...policy, weights: without(policy.weights, weight) };
}

/** Fix a filter first (-1), last (1) or nowhere (0). */
export function position(policy: Policy, id: string, where: -1 | 0 | 1): Policy {
  const rest = policy.filters.filter((one) => one !== id);
  const free = { ...policy, first: policy.first === id ? "" : policy.first, last: policy.last === id ? "" : policy.last };
  if (where === -1) return { ...free, filters: [id, ...rest], first: id };
  if (where === 1) return { ...free, filters: [...rest, id], last: id };
  return free;
}

export const factor = (policy: Policy, id: string, by: number): Policy => ({
  ...policy,
  weights: policy.weights.map((one) => (one.id === id ? { ...one, factor: Math.max(1, one.factor + by) } : one)),
});

/** Properties that the chosen units know, with pattern and who wants them. */
export function offered(policy: Policy, units: readonly Unit[]): Map<string, { pattern: string; wanted: string[] }> {
  const chosen = new Set([...policy.filters, ...policy.weights.map((one) => one.id), policy.balance, policy.selector]);
  const found = new Map<string, { pattern: string; wanted: string[] }>();
  for (const unit of units)
    if (chosen.has(unit.id))
      for (const [name, pattern] of unit.properties) {
        const known = found.get(name);
        found.set(name, { pattern, wanted: [...(known?.wanted ?? []), `${unit.external ? "(EXT) " : ""}${unit.name}`] });
      }
  return found;
}

/** What is wrong, by field: `name`, or a property's name. */
export function faultsOf(policy: Policy, units: readonly Unit[]): Record<string, string> {
  const found: Record<string, string> = {};
  if (!policy.name.trim()) found["name"] = "Name is needed.";
  const known = offered(policy, units);
  for (const [name, value] of Object.entries(policy.properties)) {
    const offer = known.get(name);
    if (!offer) continue;
    if (!matches(offer.pattern, value)) found[name] = `Must match ${offer.pattern}, wanted by ${offer.wanted.join(", ")}.`;
  }
  return found;
}
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    return true; // not a pattern that a browser knows; the engine decides
  }
}

export function documentOf(policy: Policy, units: readonly Unit[]): Record<string, unknown> {
  const unit = (id: string): { scheduling_policy_unit: { id: string } } => ({ scheduling_policy_unit: { id } });
  const known = offered(policy, units);
  const weights = [...policy.weights, ...(policy.selector ? [{ id: policy.selector, factor: 1 }] : [])];
  return {
    name: policy.name.trim(),
    description: policy.description,
    filters: { filter: policy.filters.map((id) => ({ ...unit(id), position: id === policy.first ? "-1" : id === policy.last ? "1" : "0" })) },
    weight: { weight: weights.map((one) => ({ ...unit(one.id), factor: String(one.factor) })) },
    balances: { balance: policy.balance ? [unit(policy.balance)] : [] },
    properties: { property: Object.entries(policy.properties).filter(([name]) => known.has(name)).map(([name, value]) => ({ name, value })) },
  };
}
