/**
 * The engine's stream of changes, read once for the whole page.
 *
 * Does: connect, resume behind the last message, wait longer after each failure, hand changes out by kind, say whether
 * what is shown is live. Does not: keep rows (lists and queries do).
 * Follows: docs/reference/live.md.
 */
import { useSyncExternalStore } from "react";
import { API } from "../api/base";
import { session } from "../api/session";
import { parser } from "./sse";

export interface Change {
  type: string;
  id: string;
  href?: string;
  version?: number;
  /** What is not as it was; null: not known, read the row again. */
  fields?: string[] | null;
  values?: Record<string, unknown>;
  emptied?: string[];
}
export interface JobNews extends Change {
  correlation_id?: string;
  progress?: number | null;
  cancellable?: boolean;
  steps?: { number: number; description: string; status: string; progress?: number | null; started?: number; ended?: number | null }[];
}
export interface Figures {
  type: string;
  id: string;
  cpu?: number | null;
  memory?: number | null;
  network?: number | null;
  migration?: number | null;
  load?: number | null;
}
export interface News {
  changed: Change[];
  added: Change[];
  removed: Change[];
  event: Change[];
  job: JobNews[];
  statistics: Figures[];
  reload: { reason: string };
}
export type Link = { state: "starting" | "live" | "paused" } | { state: "broken"; since: number };

const LONGEST_WAIT = 15_000;
const PAUSE_AFTER = 5 * 60_000;
type Listener = (news: never) => void;
const listeners = new Map<keyof News, Set<Listener>>();
const watchers = new Set<() => void>();
let link: Link = { state: "starting" };
let last: string | undefined;
let key: string | undefined;
let stop: AbortController | undefined;
let token: string | undefined;
let failures = 0;
let signedInBefore = false;
let sights: readonly string[] = [];
let sent = "";
let pauseTimer: ReturnType<typeof setTimeout> | undefined;

function become(next: Link): void {
  link = next;
  for (const watcher of watchers) watcher();
}

function tell<K extends keyof News>(kind: K, news: News[K]): void {
  for (const listener of listeners.get(kind) ?? []) (listener as (news: News[K]) => void)(news);
}

function received(event: string, data: string): void {
  const news: unknown = JSON.parse(data);
  if (event === "hello") {
    key = (news as { stream: string }).stream;
    sent = "";
    failures = 0;
    become({ state: "live" });
    tellSights();
  } else if (event in EMPTY) {
    tell(event as keyof News, news as never);
  }
}
const EMPTY: Record<keyof News, true> = {
  changed: true,
  added: true,
  removed: true,
  event: true,
  job: true,
  statistics: true,
  reload: true,
};

async function read(controller: AbortController): Promise<void> {
  const after = last ? `?after=${encodeURIComponent(last)}` : "";
  const answer = await fetch(`${API}/ovis/stream${after}`, {
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${token}` },
    credentials: "omit",
    cache: "no-store",
    signal: controller.signal,
  });
  if (answer.status === 401) {
    session.ended(token);
    return;
  }
  if (!answer.ok || !answer.body) throw new Error(`HTTP ${answer.status}`);
  const feed = parser((message) => {
    received(message.event, message.data);
    if (message.id !== undefined) last = message.id;
  });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    // One after the other: each read waits for the engine.
    // oxlint-disable-next-line no-await-in-loop
    const { done, value } = await reader.read();
    if (done) return;
    feed(value);
  }
}

function connect(): void {
  stop?.abort();
  const controller = new AbortController();
  stop = controller;
  read(controller)
    .catch(() => undefined)
    .finally(() => {
      if (stop !== controller || controller.signal.aborted) return;
      key = undefined;
      if (link.state !== "broken") become({ state: "broken", since: Date.now() });
      failures += 1;
      const wait = Math.min(LONGEST_WAIT, 400 * 2 ** Math.min(failures, 6)) * (0.7 + Math.random() * 0.6);
      setTimeout(() => stop === controller && token && connect(), wait);
    });
}

function follow(): void {
  const now = session.token();
  if (now === token) return;
  token = now;
  if (token) {
    connect();
    if (signedInBefore) tell("reload", { reason: "signed in again" });
    signedInBefore = true;
  } else {
    stop?.abort();
    stop = undefined;
    key = undefined;
  }
}

let sightTimer: ReturnType<typeof setTimeout> | undefined;
function tellSights(): void {
  clearTimeout(sightTimer);
  sightTimer = setTimeout(() => {
    const body = JSON.stringify({ types: null, ids: sights });
    if (!key || body === sent || !token) return;
    sent = body;
    void fetch(`${API}/ovis/stream/${key}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: `Bearer ${token}` },
      credentials: "omit",
      body,
    }).catch(() => undefined);
  }, 150);
}

/** Figures come for these objects only. */
export function inSight(ids: readonly string[]): void {
  sights = ids;
  tellSights();
}

export function listen<K extends keyof News>(kind: K, listener: (news: News[K]) => void): () => void {
  const set = listeners.get(kind) ?? new Set();
  listeners.set(kind, set);
  set.add(listener as Listener);
  return () => set.delete(listener as Listener);
}

export const live = {
  link: (): Link => link,
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  start(): void {
    session.subscribe(follow);
    follow();
    document.addEventListener("visibilitychange", () => {
      clearTimeout(pauseTimer);
      if (document.hidden) {
        pauseTimer = setTimeout(() => {
          if (!token) return;
          stop?.abort();
          stop = undefined;
          key = undefined;
          become({ state: "paused" });
        }, PAUSE_AFTER);
      } else if (link.state === "paused" && token) {
        connect();
      }
    });
    addEventListener("online", () => token && link.state === "broken" && connect());
  },
};
export const useLink = (): Link => useSyncExternalStore(live.subscribe, live.link);
