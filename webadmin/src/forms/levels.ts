/** Compatibility versions: one field, two numbers in the document. */
import type { Field, Values } from "./fields";

export const LEVELS = ["4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"];

export const levelField = (label: string): Field => ({ path: "~level", label, kind: "choice", choices: LEVELS.map((value) => ({ value, label: value })), says: /version|level/i });

/** Put `version` into the document when it differs from what it was. */
export function finishLevel(document: Record<string, unknown>, values: Values, before: string): void {
  const chosen = values["~level"] ?? "";
  if (chosen === "" || chosen === before) return;
  const [major, minor] = chosen.split(".");
  document["version"] = { major, minor };
}
