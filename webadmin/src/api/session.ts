/**
 * Who is signed in at this browser.
 *
 * Does: sign in and out, find the session again after a reload, tell the page when it ended (by the engine, or after
 * too long without a key or a mouse). Does not: keep the token anywhere but in memory.
 */
import { ENGINE } from "./base";

const ADDRESS = `${ENGINE}sso/browser`;
const LOOK_MS = 20_000;
const KEEP_ALIVE_MS = 4 * 60_000;

export interface SignedIn {
  token: string;
  user: string;
  user_id: string;
  administrator: boolean;
  idle_seconds: number;
}
export type State =
  | { phase: "unknown" }
  | { phase: "out"; profiles: string[]; why?: "ended" | "left" | undefined; idleMinutes?: number | undefined }
  | { phase: "in"; who: SignedIn }
  /** Signed in once, ended since: the page stays, a sign-in stands before it. */
  | { phase: "again"; who: SignedIn; why: "ended" | "idle" };

let state: State = { phase: "unknown" };
const watchers = new Set<() => void>();
let lastUse = Date.now();
let lastKept = Date.now();

function become(next: State): void {
  state = next;
  for (const watcher of watchers) watcher();
}

async function ask(method: string, body?: unknown): Promise<Response> {
  return fetch(ADDRESS, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
}

export const session = {
  state: (): State => state,
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  token: (): string | undefined => (state.phase === "in" ? state.who.token : undefined),
  who: (): SignedIn | undefined => (state.phase === "in" || state.phase === "again" ? state.who : undefined),

  /** Look whether the browser has a session. */
  async find(): Promise<void> {
    try {
      const answer = await ask("GET");
      const told = (await answer.json()) as SignedIn & { profiles?: string[] };
      become(told.token ? { phase: "in", who: told } : { phase: "out", profiles: told.profiles ?? ["internal"] });
    } catch {
      setTimeout(() => void session.find(), 2000);
    }
  },

  /** Sign in; the refusal's text, or undefined when it is done. */
  async signIn(user: string, password: string, profile: string): Promise<string | undefined> {
    let answer: Response;
    try {
      answer = await ask("POST", { user, password, profile });
    } catch {
      return "The engine cannot be reached.";
    }
    const told = (await answer.json()) as SignedIn & { detail?: string };
    if (!answer.ok) return told.detail ?? "Signing in failed.";
    const before = session.who();
    lastUse = Date.now();
    if (before && before.user_id !== told.user_id) {
      location.reload(); // another person: nothing of the first one's page may stay
      return undefined;
    }
    become({ phase: "in", who: told });
    return undefined;
  },

  async signOut(): Promise<void> {
    try {
      await ask("DELETE");
    } finally {
      become({ phase: "out", profiles: ["internal"], why: "left" });
    }
  },

  /** The engine does not know this token any more. */
  ended(token: string | undefined): void {
    if (state.phase === "in" && state.who.token === token) become({ phase: "again", who: state.who, why: "ended" });
  },
};

// Windows of one browser share a session: work in one (a console) is use of it in all.
const others = "BroadcastChannel" in globalThis ? new BroadcastChannel("ovis-use") : undefined;
const TELL_MS = 10_000;
let lastTold = 0;
others?.addEventListener("message", () => {
  lastUse = Date.now();
});

/** The user did something. */
export function used(): void {
  lastUse = Date.now();
  if (lastUse - lastTold < TELL_MS) return;
  lastTold = lastUse;
  others?.postMessage("used");
}

function look(): void {
  if (state.phase !== "in") return;
  const now = Date.now();
  if (now - lastUse > state.who.idle_seconds * 1000) {
    const { who } = state;
    void ask("DELETE").catch(() => undefined);
    become({ phase: "again", who, why: "idle" });
  } else if (now - lastKept > KEEP_ALIVE_MS && lastUse > lastKept) {
    lastKept = now;
    const { token } = state.who;
    void ask("GET")
      .then((answer) => answer.json() as Promise<Partial<SignedIn>>)
      .then((told) => told.token !== token && session.ended(token), () => undefined);
  }
}

for (const kind of ["keydown", "pointerdown", "wheel", "touchstart"]) addEventListener(kind, used, { passive: true });
setInterval(look, LOOK_MS);
