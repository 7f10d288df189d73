/**
 * The vocabulary in which an entity's place is declared: columns, actions, sub-tabs; one folder `resources/NAME/` each.
 *
 * Does not: draw anything. Tables, toolbar, menus and pages are made from these values.
 */
import type { ComponentType, ReactNode } from "react";
import type { Row } from "../api/client";
import type { Measure } from "../data/figures";
import type { IconName } from "../ui/Icon";
import type { StateOf } from "../ui/StateIcon";

export interface Column {
  id: string;
  label: string;
  /** Pixels at 1440. `flex`: takes what is left (one per table). */
  width: number;
  flex?: boolean;
  align?: "right";
  /** Search field by which the API sorts; none: it cannot. */
  sort?: string;
  /** The cell as text: shown, copied, exported. "" is shown as a dash. */
  text: (row: Row) => string;
  /** Instead of the text, e.g. a link; the text remains what is exported. */
  render?: (row: Row) => ReactNode;
  /** A percentage of an hour as bars. */
  measure?: Measure;
  /** A quantity of a whole: (0..100) behind the text. */
  level?: (row: Row) => number | undefined;
  mono?: boolean;
  /** The first column is strong, unless it is this. */
  plain?: boolean;
  /** Not shown until chosen. */
  extra?: boolean;
}

/** Why an action is not possible for a row. */
export interface Refusal {
  /** At a menu's edge: "not Down". */
  short: string;
  /** The whole sentence, with the name of what is in the way. */
  long: string;
}

export type Group = "new" | "edit" | "run" | "console" | "move" | "copy" | "tags" | "admin" | "plugins";

export interface Action {
  id: string;
  /** The exact label, and the button's name. */
  label: string;
  icon?: IconName;
  group: Group;
  /** Acts on no row (New), on one only, or on each of those selected. */
  on: "none" | "one" | "each" | "all";
  /** In the menus only. */
  more?: boolean;
  /** Below the arrow of another action's button. */
  under?: string;
  /** Permit without which it is not shown at all. */
  permit?: string;
  refuse?: (row: Row) => Refusal | undefined;
  /** Opens the dialog of that name with the rows. */
  dialog?: string;
  /** Asks first: title "Remove VM(s)", verb "Remove". */
  confirm?: { title: string; question: (rows: Row[]) => string; verb: string; danger?: boolean };
  /** Does it, for one row; for `on: "none"` without. */
  run?: (row: Row) => Promise<unknown>;
  /** A plugin's: it decides by itself, also for no row. */
  plugin?: { where: "both" | "menu" | "toolbar"; accessible: (rows: Row[]) => boolean; enabled: (rows: Row[]) => boolean; click: (rows: Row[]) => void };
  /** Past of the verb, for the summary: "started". */
  done?: string;
}

export interface SubTab {
  /** Token in the address: `vms-<token>`. */
  token: string;
  /** The exact label. */
  label: string;
  /** Entity type of plugins' detail places. */
  place?: string;
  /** Number beside the label, if cheap. */
  count?: (row: Row) => number | undefined;
  component: ComponentType<{ row: Row; resource: Resource }>;
}

export interface Resource {
  /** oVirt's token: `vms`, `hosts`, `dataCenters`. */
  place: string;
  /** Older or other tokens that mean the same. */
  aliases?: string[];
  /** Name of plugins' events: `VirtualMachine`. */
  entity: string;
  /** Path and type in the API: `vms`. */
  collection: string;
  label: string;
  one: string;
  many: string;
  icon: IconName;
  /** Name in the search language: `Vms`; and others it answers to. */
  prefix: string;
  state?: (row: Row) => StateOf;
  /** A second, small sign: changes that wait, updates, ... */
  sign?: (row: Row) => { state: StateOf; text: string } | undefined;
  title: (row: Row) => string;
  columns: Column[];
  actions: Action[];
  tabs: SubTab[];
  sort?: { field: string; down: boolean };
  /** Rows of things that are off are in secondary text. */
  faded?: (row: Row) => boolean;
  /** Conditions of the search language that narrow to a node of the tree. */
  scopes?: Partial<Record<"datacenter" | "cluster" | "host" | "storage" | "network" | "template", (name: string) => string>>;
  /** What helps when there is none: an action's id. */
  whenEmpty?: string;
  /** Sub-collections that its rows bring along: `&follow=reporteddevices`. */
  follow?: string;
  /** The search always has this, e.g. `type != iso`. */
  always?: string;
  /** Second line on narrow screens. */
  summary?: (row: Row) => string;
  /** Whether figures (cpu, memory, network) exist for its rows. */
  measured?: boolean;
}

/** A refusal when the status is none of those allowed. */
export function onlyIn(statuses: string, need: string, verb: string, one: string): (row: Row) => Refusal | undefined {
  const allowed = new Set(statuses.split(" "));
  return (row) => {
    const status = String(row["status"] ?? "");
    if (allowed.has(status)) return undefined;
    const word = status
      .split("_")
      .map((part) => (part[0] ?? "").toUpperCase() + part.slice(1))
      .join(" ");
    return { short: `not ${need}`, long: `${row.name ?? ""} is ${word}. A ${one} must be ${need} to ${verb}.` };
  };
}
