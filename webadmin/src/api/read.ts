/** Reading what the API sends, whose truths and most numbers are texts. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
/** An object as the API sends it: truths and most numbers are texts. */
export interface Row {
  id: string;
  name?: string;
  href?: string;
  [key: string]: unknown;
}

/** The objects of a list's answer: its one member, whatever the collection's element is called. */
export function rowsOf(body: unknown): Row[] {
  if (!body || typeof body !== "object") return [];
  const found = Object.values(body).find(Array.isArray) as Row[] | undefined;
  for (const row of found ?? []) lighten(row);
  return found ?? [];
}

/** Drop links that pages build themselves; they are most of a row's bytes. */
export function lighten(row: Row): Row {
  delete row["link"];
  delete row["actions"];
  return row;
}

/** The value at a dotted path, or undefined. */
export function at(row: unknown, path: string): unknown {
  let found: unknown = row;
  for (const part of path.split(".")) {
    if (found === null || typeof found !== "object") return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}
export const text = (row: unknown, path: string): string => {
  const found = at(row, path);
  return found === undefined || found === null || typeof found === "object" ? "" : String(found);
};
export const number = (row: unknown, path: string): number | undefined => {
  const found = text(row, path);
  return found === "" || Number.isNaN(Number(found)) ? undefined : Number(found);
};
export const truth = (row: unknown, path: string): boolean => text(row, path) === "true";
/** The list that the API wraps: `{data_centers: {data_center: [...]}}`. */
export function items(row: unknown, path: string): Row[] {
  const found = at(row, path);
  if (Array.isArray(found)) return found as Row[];
  if (found && typeof found === "object") {
    const inner = Object.values(found).find(Array.isArray);
    if (inner) return inner as Row[];
  }
  return [];
}
