/**
 * Doing what the user chose: for one row or many, with a result for each.
 *
 * Does: which actions are possible and why not, confirmation, dialogs, running in bulk, remembering the outcome for
 * the drawer. Does not: draw.
 */
import { useSyncExternalStore } from "react";
import type { Row } from "../api/client";
import { sentencesOf } from "../api/fault";
import { hasDialog, openDialog } from "../dialogs/registry";
import type { Action, Resource } from "../resources/declare";
import { may } from "../data/permits";
import { notify } from "./notices";

const AT_ONCE = 6;

export interface Possible {
  action: Action;
  /** The rows that it can be done to. */
  rows: Row[];
  disabled: boolean;
  /** "1 of 2", "not Down", "2 VMs". */
  hint: string;
  reason: string | undefined;
}

/** What an action can do to a selection; undefined when it is not for this user at all. */
export function possible(action: Action, resource: Resource, rows: Row[]): Possible | undefined {
  if (action.dialog && !hasDialog(action.dialog)) return undefined;
  if (action.permit && !may(action.permit, rows)) return undefined;
  if (action.plugin) return action.plugin.accessible(rows) ? { action, rows, disabled: !action.plugin.enabled(rows), hint: "", reason: undefined } : undefined;
  if (action.on === "none") return { action, rows: [], disabled: false, hint: "", reason: undefined };
  if (rows.length === 0) return { action, rows: [], disabled: true, hint: "", reason: `Select a ${resource.one} first.` };
  if (action.on === "one" && rows.length > 1)
    return { action, rows: [], disabled: true, hint: "one only", reason: `${action.label} is for one ${resource.one} at a time.` };
  const refused = rows.map((row) => ({ row, why: action.refuse?.(row) })).filter(({ why }) => why);
  const good = rows.filter((row) => !refused.some((other) => other.row === row));
  const first = refused[0]?.why;
  if (good.length === 0 && first) {
    const causes = [...new Set(refused.map(({ why }) => why?.long ?? ""))];
    const told = causes.slice(0, 4).join("\n") + (causes.length > 4 ? `\nand ${causes.length - 4} more` : "");
    const head = rows.length > 1 ? `${action.label} is not possible for any of them\n` : "";
    return { action, rows: [], disabled: true, hint: first.short, reason: head + told };
  }
  const some = good.length < rows.length;
  return {
    action,
    rows: good,
    disabled: false,
    hint: some ? `${good.length} of ${rows.length}` : rows.length > 1 ? `${rows.length} ${resource.many}` : "",
    reason: some ? refused.map(({ why }) => why?.long ?? "").slice(0, 4).join("\n") : undefined,
  };
}

/** A question before something that cannot be undone. */
export interface Question {
  title: string;
  text: string;
  verb: string;
  danger: boolean;
  yes: () => void;
}
export interface Outcome {
  row: Row | undefined;
  state: "waiting" | "done" | "refused";
  why: string[];
}
export interface Bulk {
  key: number;
  label: string;
  started: number;
  outcomes: Outcome[];
  resource: Resource;
  action: Action;
}

let question: Question | undefined;
let bulks: readonly Bulk[] = [];
let keys = 0;
let version = 0;
const watchers = new Set<() => void>();
function tell(): void {
  version += 1;
  for (const watcher of watchers) watcher();
}
const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

export const useActing = (): { question: Question | undefined; bulks: readonly Bulk[] } => {
  useSyncExternalStore(subscribe, () => version);
  return { question, bulks };
};
export function answerQuestion(yes: boolean): void {
  const asked = question;
  question = undefined;
  tell();
  if (yes) asked?.yes();
}
export function askFirst(next: Question): void {
  question = next;
  tell();
}
export function forget(key: number): void {
  bulks = bulks.filter((bulk) => bulk.key !== key);
  tell();
}

/** Begin an action on what it is possible for. */
export function act(found: Possible, resource: Resource, params: Record<string, string> = {}): void {
  const { action, rows } = found;
  if (found.disabled) return;
  if (action.plugin) {
    action.plugin.click(rows);
    return;
  }
  if (action.dialog) {
    openDialog(action.dialog, rows, resource, params);
    return;
  }
  const go = (): void => void run(action, resource, rows);
  if (action.confirm) {
    const verb = rows.length > 1 ? `${action.confirm.verb} ${rows.length} ${resource.many}` : action.confirm.verb;
    askFirst({ title: action.confirm.title, text: action.confirm.question(rows), verb, danger: action.confirm.danger ?? false, yes: go });
  } else {
    go();
  }
}

export async function run(action: Action, resource: Resource, rows: Row[]): Promise<Outcome[]> {
  if (!action.run) return [];
  const targets: (Row | undefined)[] = action.on === "none" ? [undefined] : rows;
  const bulk: Bulk = {
    key: (keys += 1),
    label: action.label,
    started: Date.now(),
    outcomes: targets.map((row) => ({ row, state: "waiting", why: [] })),
    resource,
    action,
  };
  if (targets.length > 1) bulks = [bulk, ...bulks].slice(0, 20);
  tell();
  const queue = [...bulk.outcomes];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      try {
        // Each worker does one after the other.
        // oxlint-disable-next-line no-await-in-loop
        await action.run?.(next.row ?? { id: "" });
        next.state = "done";
      } catch (error) {
        next.state = "refused";
        next.why = sentencesOf(error);
      }
      tell();
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, targets.length) }, work));
  const refused = bulk.outcomes.filter((outcome) => outcome.state === "refused");
  if (refused.length > 0) {
    const one = refused.length === 1 ? refused[0] : undefined;
    notify(
      "danger",
      one ? `${action.label}: ${one.row?.name ?? resource.one}` : `${action.label}: ${refused.length} of ${targets.length} refused`,
      (one?.why ?? refused[0]?.why ?? []).join(" "),
    );
  }
  return bulk.outcomes;
}
