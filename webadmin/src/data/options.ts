/**
 * What a user has arranged: columns, widths, sorting, split, theme, tree.
 *
 * Does: keep it on the server as an option of the user, written a second after the last change, with a copy in the
 * browser for the first paint. Does not: hold anything that belongs into the address.
 */
import { useSyncExternalStore } from "react";
import { type Row, list, post, put, text } from "../api/client";
import { session } from "../api/session";

const NAME = "ovis.webadmin";
const LOCAL = "ovis.webadmin.options";
export type Arranged = Record<string, unknown>;

const watchers = new Set<() => void>();
let arranged: Arranged = read(localStorage.getItem(LOCAL));
let option: string | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function read(value: string | null | undefined): Arranged {
  try {
    const found: unknown = value ? JSON.parse(value) : {};
    return found && typeof found === "object" && !Array.isArray(found) ? (found as Arranged) : {};
  } catch {
    return {};
  }
}
function tell(): void {
  localStorage.setItem(LOCAL, JSON.stringify(arranged));
  for (const watcher of watchers) watcher();
}
const address = (): string => `/users/${session.who()?.user_id ?? ""}/options`;

async function write(): Promise<void> {
  const body = { name: NAME, content: JSON.stringify(arranged) };
  try {
    if (option) await put(`${address()}/${option}`, body);
    else option = (await post<Row>(address(), body)).id;
  } catch {
    // It stays in this browser; the next change tries again.
  }
}

export const options = {
  async load(): Promise<void> {
    try {
      const found = (await list(address())).find((row) => text(row, "name") === NAME);
      if (!found) return;
      option = found.id;
      const content = found["content"];
      arranged = typeof content === "string" ? read(content) : ((content ?? {}) as Arranged);
      tell();
    } catch {
      // The browser's copy serves.
    }
  },
  get<T>(key: string, otherwise: T): T {
    const found = arranged[key];
    return found === undefined ? otherwise : (found as T);
  },
  set(key: string, value: unknown): void {
    arranged = { ...arranged, [key]: value };
    tell();
    clearTimeout(timer);
    timer = setTimeout(() => void write(), 1000);
  },
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  all: (): Arranged => arranged,
};

export function useOption<T>(key: string, otherwise: T): [T, (value: T) => void] {
  useSyncExternalStore(options.subscribe, options.all);
  return [options.get(key, otherwise), (value) => options.set(key, value)];
}
