/** Short notices at the corner: few, and never the only place where something is said. */
import { useSyncExternalStore } from "react";

export type Kind = "info" | "success" | "warning" | "danger";
export interface Notice {
  key: number;
  kind: Kind;
  text: string;
  detail?: string | undefined;
}
const MOST = 3;
let notices: readonly Notice[] = [];
let keys = 0;
const watchers = new Set<() => void>();
const timers = new Map<number, ReturnType<typeof setTimeout>>();

function become(next: readonly Notice[]): void {
  notices = next;
  for (const watcher of watchers) watcher();
}

export function dismiss(key: number): void {
  clearTimeout(timers.get(key));
  timers.delete(key);
  become(notices.filter((notice) => notice.key !== key));
}

/** Goes by itself after a while, unless it is hovered or has the focus. */
export function release(key: number, ms = 8000): void {
  clearTimeout(timers.get(key));
  timers.set(key, setTimeout(() => dismiss(key), ms));
}
export const hold = (key: number): void => clearTimeout(timers.get(key));

export function notify(kind: Kind, text: string, detail?: string, ms?: number): void {
  const key = (keys += 1);
  become([...notices, { key, kind, text, detail }].slice(-MOST));
  release(key, ms);
}

export const useNotices = (): readonly Notice[] =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => notices,
  );
