/**
 * Names of what rows refer to by id: clusters, hosts, templates, ...
 *
 * Does: gather the ids that are asked for while a view is drawn, read them in one request a kind, keep them current by
 * the stream. Does not: read whole collections.
 */
import { useSyncExternalStore } from "react";
import { type Row, list, text } from "../api/client";
import { listen } from "../live/stream";

export type Named = "clusters" | "hosts" | "datacenters" | "templates" | "vms" | "storagedomains" | "networks" | "users" | "vmpools" | "vnicprofiles" | "disks" | "roles" | "quotas" | "cpuprofiles" | "groups" | "macpools" | "schedulingpolicies";
/** Kinds that are searched by id, many at once; the others are few and read whole. */
const BY_ID: ReadonlySet<Named> = new Set<Named>(["hosts", "vms", "templates", "disks"]);
const AT_ONCE = 40;
const AGAIN_MS = 5000;
const pending: Row = { id: "" };
const known = new Map<string, Row | null>();
const wanted = new Map<Named, Set<string>>();
const whole = new Set<Named>();
const watchers = new Set<() => void>();
let version = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function changed(): void {
  version += 1;
  for (const watcher of watchers) watcher();
}

function keep(kind: Named, rows: Row[]): void {
  for (const row of rows) known.set(`${kind}/${row.id}`, row);
}

async function readKind(kind: Named, ids: string[]): Promise<void> {
  try {
    if (BY_ID.has(kind)) {
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        const part = ids.slice(from, from + AT_ONCE);
        const query = part.map((id) => `id=${id}`).join(" or ");
        // oxlint-disable-next-line no-await-in-loop
        keep(kind, await list(`/${kind}?search=${encodeURIComponent(query)}&max=${AT_ONCE}`));
      }
    } else {
      keep(kind, await list(`/${kind}`));
      whole.add(kind);
    }
    for (const id of ids) if (!known.has(`${kind}/${id}`)) known.set(`${kind}/${id}`, null);
  } catch {
    // Not at once: the next drawing would ask again.
    setTimeout(() => {
      for (const id of ids) if (known.get(`${kind}/${id}`) === pending) known.delete(`${kind}/${id}`);
      changed();
    }, AGAIN_MS);
    return;
  }
  changed();
}

function ask(kind: Named, id: string): void {
  const set = wanted.get(kind) ?? new Set();
  wanted.set(kind, set);
  set.add(id);
  timer ??= setTimeout(() => {
    timer = undefined;
    const all = [...wanted];
    wanted.clear();
    for (const [kind, ids] of all) void readKind(kind, [...ids]);
  }, 10);
}

export const names = {
  /** The object, if it is known; asks for it otherwise. */
  row(kind: Named, id: string | undefined): Row | undefined {
    if (!id) return undefined;
    const found = known.get(`${kind}/${id}`);
    if (found === undefined) {
      known.set(`${kind}/${id}`, pending);
      ask(kind, id);
      return undefined;
    }
    return found === pending ? undefined : (found ?? undefined);
  },
  of(kind: Named, id: string | undefined): string {
    const row = names.row(kind, id);
    return row ? text(row, "name") : "";
  },
  /** What a list has read anyway. */
  learn(kind: string, rows: Row[]): void {
    let news = false;
    for (const row of rows) {
      const key = `${kind}/${row.id}`;
      if (row.name !== undefined && known.has(key) && known.get(key)?.name !== row.name) news = true;
      if (known.has(key) || kind === "clusters" || kind === "datacenters") known.set(key, row);
    }
    if (news) changed();
  },
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  version: (): number => version,
  forget(): void {
    known.clear();
    whole.clear();
    changed();
  },
};

listen("changed", (news) => {
  let any = false;
  for (const change of news) {
    const key = `${change.type}/${change.id}`;
    const row = known.get(key);
    if (!row || row === pending) continue;
    if (change.values && change.fields) known.set(key, { ...row, ...change.values, id: change.id });
    else known.delete(key);
    any = true;
  }
  if (any) changed();
});
listen("reload", () => names.forget());

export const useNames = (): number => useSyncExternalStore(names.subscribe, names.version);
