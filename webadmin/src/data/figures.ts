/**
 * Utilisation of hosts, VMs and storage: the last value by the stream, the last hour for bars.
 *
 * Does: one request for all rows in sight, again each minute while they are. Does not: ask per row.
 */
import { useSyncExternalStore } from "react";
import { get } from "../api/client";
import { type Figures, listen } from "../live/stream";

export type Measure = "cpu" | "memory" | "network" | "used" | "promised";
interface Kept {
  now: Partial<Record<Measure | "migration", number | null>>;
  past: Partial<Record<Measure, (number | null)[]>>;
  version: number;
}
interface Answer {
  objects: Record<string, Partial<Record<Measure, (number | null)[]>>>;
}

const SAMPLES = 14;
const AGAIN_MS = 60_000;
const MOST = 400;
const kept = new Map<string, Kept>();
const watchers = new Set<() => void>();
let version = 0;
let sight: { type: string; ids: string[] } | undefined;
let fresh = new Map<string, number>();
let timer: ReturnType<typeof setTimeout> | undefined;

function changed(): void {
  version += 1;
  for (const watcher of watchers) watcher();
}

function of(id: string): Kept {
  let found = kept.get(id);
  if (!found) {
    found = { now: {}, past: {}, version: 0 };
    kept.set(id, found);
    if (kept.size > 5000) for (const old of [...kept.keys()].slice(0, 1000)) kept.delete(old);
  }
  return found;
}

listen("statistics", (news: Figures[]) => {
  for (const row of news) {
    const found = of(row.id);
    for (const measure of ["cpu", "memory", "network", "migration"] as const)
      if (row[measure] !== undefined) found.now[measure] = row[measure];
    found.version += 1;
  }
  changed();
});
listen("reload", () => {
  fresh = new Map();
  void read();
});

async function read(): Promise<void> {
  clearTimeout(timer);
  timer = setTimeout(() => void read(), AGAIN_MS);
  if (!sight || document.hidden) return;
  const { type, ids } = sight;
  const now = Date.now();
  const stale = ids.filter((id) => now - (fresh.get(id) ?? 0) > AGAIN_MS - 1000).slice(0, MOST);
  if (stale.length === 0) return;
  for (const id of stale) fresh.set(id, now);
  try {
    const answer = await get<Answer>(`/ovis/history?type=${type}&ids=${stale.join(",")}&span=3600&samples=${SAMPLES}`);
    for (const [id, past] of Object.entries(answer.objects)) {
      const found = of(id);
      found.past = past;
      found.version += 1;
      for (const measure of ["cpu", "memory", "network", "used", "promised"] as const) {
        const last = past[measure]?.findLast((value) => value !== null);
        if (found.now[measure] === undefined && last !== undefined) found.now[measure] = last;
      }
    }
    changed();
  } catch {
    for (const id of stale) fresh.delete(id);
  }
}

export const figures = {
  of: (id: string): Kept | undefined => kept.get(id),
  now: (id: string, measure: Measure | "migration"): number | undefined => kept.get(id)?.now[measure] ?? undefined,
  /** These rows are looked at. */
  look(type: string, ids: string[]): void {
    sight = { type, ids };
    void read();
  },
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  version: (): number => version,
};
export const useFigures = (): number => useSyncExternalStore(figures.subscribe, figures.version);
