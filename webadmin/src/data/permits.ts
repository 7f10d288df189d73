/**
 * What the user may do: permits on the system, and further ones on what is selected.
 *
 * Does: ask for the selection in one request and remember. Until the answer is there, an action is shown: the API decides.
 */
import { get, type Row } from "../api/client";

interface Answer {
  administrator: boolean;
  system: string[];
  objects: Record<string, string[]>;
}
/** Kinds on which permits are held; on others those on the system count. */
const HELD: ReadonlySet<string> = new Set("datacenters clusters hosts networks storagedomains disks vms vmpools templates vnicprofiles diskprofiles".split(" "));
let system: ReadonlySet<string> | undefined;
const objects = new Map<string, ReadonlySet<string>>();
const watchers = new Set<() => void>();
let version = 0;

export const permits = {
  async load(): Promise<void> {
    try {
      system = new Set((await get<Answer>("/ovis/permits")).system);
    } catch {
      system = undefined;
    }
    version += 1;
    for (const watcher of watchers) watcher();
  },
  async about(type: string, ids: string[]): Promise<void> {
    if (!HELD.has(type)) return;
    const missing = ids.filter((id) => !objects.has(id)).slice(0, 200);
    if (missing.length === 0 || !system) return;
    try {
      const answer = await get<Answer>(`/ovis/permits?type=${type}&ids=${missing.join(",")}`);
      for (const id of missing) objects.set(id, new Set(answer.objects[id] ?? []));
      if (objects.size > 5000) objects.clear();
      version += 1;
      for (const watcher of watchers) watcher();
    } catch {
      // The API decides.
    }
  },
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  version: (): number => version,
};

export function may(permit: string, rows: Row[]): boolean {
  if (!system || system.has(permit)) return true;
  if (rows.length === 0) return false;
  return rows.some((row) => objects.get(row.id)?.has(permit) ?? true);
}
