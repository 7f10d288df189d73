/** Compatibility versions: one field, two numbers in the document. */
import { at } from "../api/client";
import { LEVELS } from "../generated/facts";
import type { Field, Values } from "./fields";

export const levelChoices = LEVELS.map((value) => ({ value, label: value }));
export const levelField = (label: string): Field => ({ path: "~level", label, kind: "choice", choices: levelChoices, says: /version|level/i });

/** "4.7" of the two numbers at a path; "" where there are none. */
export function levelAt(row: unknown, path = "version"): string {
  const found = at(row, path) as { major?: string; minor?: string } | undefined;
  return found?.major ? `${found.major}.${found.minor ?? 0}` : "";
}

/** Put `version` into the document when it differs from what it was. */
export function finishLevel(document: Record<string, unknown>, values: Values, before: string): void {
  const chosen = values["~level"] ?? "";
  if (chosen === "" || chosen === before) return;
  const [major, minor] = chosen.split(".");
  document["version"] = { major, minor };
}
