/** Lists that were open before are there at once: one store for each place and query, the last few kept. */
import { ListStore, type Query } from "../data/ListStore";

const MOST = 6;
const kept = new Map<string, { store: ListStore; stop: () => void; top: number }>();

export function listOf(collection: string, query: Query, follow = ""): { store: ListStore; top: number; keepTop: (top: number) => void } {
  const key = JSON.stringify([collection, query]);
  let found = kept.get(key);
  if (found) {
    kept.delete(key);
  } else {
    const store = new ListStore(collection, query, follow);
    found = { store, stop: store.start(), top: 0 };
  }
  kept.set(key, found);
  const entry = found;
  if (kept.size > MOST) {
    const [oldest, old] = [...kept][0] ?? [];
    if (oldest && old) {
      old.stop();
      kept.delete(oldest);
    }
  }
  return { store: entry.store, top: entry.top, keepTop: (top) => (entry.top = top) };
}

/** The list of a kind that was looked at last: what stands before and after an object in it. */
export function lastListOf(collection: string): ListStore | undefined {
  return [...kept.values()].findLast(({ store }) => store.collection === collection)?.store;
}
