/**
 * What a form's fields are: values by their path in the API's document, declared, not drawn.
 *
 * Does: read an object into texts, check them, build the smallest document that says what changed, tell to which field
 * a fault belongs. Does not: draw (Field.tsx) or send (FormDialog.tsx).
 */
import { type Row, at } from "../api/client";
import { bytes } from "../ui/format";

/** Texts by path: `name`, `cpu.topology.cores`. A truth is "true" or "false". */
export type Values = Record<string, string>;
export interface Choice {
  value: string;
  label: string;
  /** In grey behind it. */
  note?: string;
}

interface Base {
  /** Path in the API's document; where there is none, any name that starts with "~" (it is not sent). */
  path: string;
  label: string;
  help?: string;
  required?: boolean;
  /** Shown only in Advanced. */
  advanced?: boolean;
  when?: (values: Values) => boolean;
  /** Why it cannot be changed now. */
  fixed?: (values: Values, row: Row | undefined) => string | undefined;
  /** What is wrong with it and what would be right. */
  check?: (value: string, values: Values) => string | undefined;
  /** Faults of the API that speak of it; without, those that hold its label or its path's last word. */
  says?: RegExp;
  /** Others that are filled when it changes. */
  fills?: (value: string, values: Values) => Values;
  /** Paths that are sent with it, when it has changed. */
  with?: string[];
}
export interface TextField extends Base {
  kind: "text" | "area" | "password" | "mono";
  limit?: number;
  placeholder?: string;
}
export interface NumberField extends Base {
  kind: "number";
  least?: number;
  most?: number;
  unit?: string;
}
export interface BytesField extends Base {
  kind: "bytes";
  /** Unit of a number without one. */
  unit?: "MiB" | "GiB";
  least?: number;
}
export interface CheckField extends Base {
  kind: "check";
}
export interface ChoiceField extends Base {
  kind: "choice";
  choices: readonly Choice[] | ((values: Values) => readonly Choice[]);
  /** Label of "" (nothing chosen); without, something must be. */
  none?: string;
}
export type Field = TextField | NumberField | BytesField | CheckField | ChoiceField;

/** Objects as choices, by name. */
export const named = (rows: readonly Row[] | undefined): Choice[] => (rows ?? []).map((row) => ({ value: row.id, label: row.name ?? row.id }));

export interface Section {
  title?: string;
  fields: Field[];
}
export interface FormTab {
  id: string;
  label: string;
  sections: Section[];
  advanced?: boolean;
}

const POWERS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** "4 GiB", "512", "1.5 T" as bytes; undefined when it is none. */
export function parseBytes(text: string, unit: "MiB" | "GiB" = "MiB"): number | undefined {
  const hit = /^\s*(\d+(?:[.,]\d+)?)\s*([KMGTP]?)(?:i?B)?\s*$/i.exec(text);
  if (!hit) return undefined;
  const power = hit[2] ? "KMGTP".indexOf(hit[2].toUpperCase()) + 1 : /b\s*$/i.test(text) ? 0 : POWERS.indexOf(unit);
  return Math.round(Number((hit[1] ?? "").replace(",", ".")) * 1024 ** power);
}

/** Bytes in the largest unit that says them exactly. */
export function exactBytes(value: number): string {
  let power = 0;
  while (power < POWERS.length - 1 && value >= 1024 && Number.isInteger(value / 1024)) {
    value /= 1024;
    power += 1;
  }
  return `${value} ${POWERS[power]}`;
}

/** An object's values as a form shows them. */
export function valuesOf(fields: readonly Field[], row: Row | undefined): Values {
  const found: Values = {};
  for (const field of fields) {
    const value = field.path.startsWith("~") ? undefined : at(row, field.path);
    if (value === undefined || value === null || typeof value === "object") continue;
    found[field.path] = field.kind === "bytes" ? exactBytes(Number(value)) : String(value);
  }
  return found;
}

/** What is wrong with a value, or undefined. */
export function wrong(field: Field, values: Values): string | undefined {
  const value = (values[field.path] ?? "").trim();
  if (value === "") return field.required ? `${field.label} is needed.` : undefined;
  if (field.kind === "bytes") {
    const size = parseBytes(value, field.unit);
    if (size === undefined) return `Write a size, such as 4 GiB or 512 MiB.`;
    if (field.least !== undefined && size < field.least) return `At least ${bytes(field.least)}.`;
  }
  if (field.kind === "number") {
    const number = Number(value);
    if (!Number.isInteger(number)) return "Write a whole number.";
    if (field.least !== undefined && number < field.least) return `At least ${field.least}.`;
    if (field.most !== undefined && number > field.most) return `At most ${field.most}.`;
  }
  if ((field.kind === "text" || field.kind === "mono") && field.limit !== undefined && value.length > field.limit)
    return `${value.length} characters; at most ${field.limit}.`;
  return field.check?.(value, values);
}

const sent = (field: Field, value: string): string => {
  const trimmed = field.kind === "area" || field.kind === "password" ? value : value.trim();
  return field.kind === "bytes" && trimmed !== "" ? String(parseBytes(trimmed, field.unit) ?? trimmed) : trimmed;
};

/** Put a value at a dotted path. */
export function putAt(document: Record<string, unknown>, path: string, value: unknown): void {
  const parts = path.split(".");
  let place = document;
  for (const part of parts.slice(0, -1)) {
    const inner = place[part];
    if (inner === undefined || inner === null || typeof inner !== "object") place[part] = {};
    place = place[part] as Record<string, unknown>;
  }
  place[parts[parts.length - 1] as string] = value;
}

/** The document that says what differs from before (nothing before: everything that is not empty). */
export function documentOf(fields: readonly Field[], values: Values, before: Values | undefined): Record<string, unknown> {
  const paths = new Set<string>();
  const by = new Map(fields.map((field) => [field.path, field]));
  for (const field of fields) {
    if (field.path.startsWith("~") || (field.when && !field.when(values))) continue;
    const value = values[field.path] ?? "";
    if (before ? value !== (before[field.path] ?? "") : value !== "") {
      paths.add(field.path);
      for (const other of field.with ?? []) paths.add(other);
    }
  }
  const document: Record<string, unknown> = {};
  for (const path of paths) {
    const field = by.get(path);
    const value = values[path] ?? "";
    if (value === "" && !before) continue;
    // An object that is referred to is let go of by an empty id.
    putAt(document, path, field ? sent(field, value) : value);
  }
  return document;
}

/** Faults by path; "" holds those of no field. */
export function placeFaults(fields: readonly Field[], sentences: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const sentence of sentences) {
    const incomplete = /\[([^\]]*)\] required for/.exec(sentence);
    const field = fields.find((one) => {
      if (one.path.startsWith("~")) return one.says?.test(sentence) ?? false;
      if (incomplete) return (incomplete[1] ?? "").split(/[|,\s]+/).includes(one.path);
      return one.says ? one.says.test(sentence) : new RegExp(`\\b${escape(one.label)}\\b`, "i").test(sentence) || sentence.includes(one.path);
    });
    const at = field?.path ?? "";
    found[at] = found[at] ? `${found[at]} ${sentence}` : sentence;
  }
  return found;
}
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
