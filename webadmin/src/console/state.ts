/** What the window knows of the console in it. */
import { Fault, sentencesOf } from "../api/fault";
import type { Key } from "./keys";

export type Kind = "vnc" | "serial";
export interface About {
  id: string;
  name: string;
  status: string;
  host: { id: string; name: string } | null;
  graphics: string[];
  serial: boolean;
  viewers: { user: string; kind: Kind; since: number }[];
}
/** Why a console ended, by the code of its WebSocket. */
export const CODE = { over: 1000, ticket: 4401, session: 4403, refused: 4409, unreachable: 4503 } as const;

/** What can be done with an open console. */
export interface Console {
  focus: () => void;
  blur: () => void;
  press: (keys: Key[]) => void;
  type: (text: string) => Promise<void>;
  /** Into the guest's clipboard. */
  paste: (text: string) => void;
  picture: () => Promise<Blob | null>;
}
/** How one ended: by its WebSocket, or before there was one. */
export type Ended = { code: number; reason: string } | { error: unknown };
export type Phase = { state: "opening" } | { state: "open"; console: Console } | { state: "ended"; why: Ended };

const RUNNING = new Set("up powering_up paused migrating not_responding reboot_in_progress wait_for_launch powering_down saving_state restoring_state".split(" "));
export const runs = (status: string | undefined): boolean => status !== undefined && RUNNING.has(status);

export interface Verdict {
  text: string;
  /** It will be tried again by itself. */
  again: boolean;
  /** Somebody else has the line. */
  taken: boolean;
}

/** Refusals that pass: no connection, a VM on its way, a proxy whose engine restarts. */
const PASSING = new Set([0, 409, 502, 503, 504]);

/** What to say about an end, and whether to go on. seen: it was open before, so the VM may be on its way to another host, or the engine away. */
export function judge(why: Ended, kind: Kind, about: About | undefined, seen = false): Verdict {
  const passing = "error" in why && seen && about && runs(about.status) && why.error instanceof Fault && PASSING.has(why.error.status);
  if (passing) return { text: "Connecting again …", again: true, taken: false };
  if ("error" in why) return { text: sentencesOf(why.error).join(" "), again: false, taken: false };
  const { code, reason } = why;
  if (code === CODE.refused) return { text: reason, again: false, taken: kind === "serial" && reason.startsWith("Somebody") };
  if (about && !runs(about.status)) return { text: `${about.name} is not running.`, again: false, taken: false };
  if (code === CODE.session) return { text: "Your session has ended.", again: false, taken: false };
  if (code === CODE.over && kind === "serial") return { text: "The console is over, or somebody took the line.", again: false, taken: false };
  if (code === CODE.over) return { text: "The console is over. Connecting again …", again: true, taken: false };
  return { text: reason || "The connection is lost. Connecting again …", again: !reason, taken: false };
}
