/** A state as shape, colour and word; the same in tables, tree, heads and dialogs. */
import type { ReactElement } from "react";

export type Tone = "green" | "grey" | "amber" | "red" | "violet" | "accent";
export type Shape =
  | "up"
  | "down"
  | "paused"
  | "moon"
  | "busy"
  | "moving"
  | "lock"
  | "bar"
  | "warning"
  | "bad"
  | "ok"
  | "eye"
  | "info"
  | "none";
export interface StateOf {
  shape: Shape;
  tone: Tone;
  /** The state's word, as "Powering Up". */
  word: string;
}

const SHAPES: Record<Shape, ReactElement | null> = {
  up: <path d="M7 1.800 13 12.200H1z" fill="currentColor" />,
  down: <path d="M3 3h8v8H3z" fill="none" stroke="currentColor" strokeWidth="1.600" />,
  paused: <path d="M3.500 2.500h2.600v9H3.500zM8 2.500h2.600v9H8z" fill="currentColor" />,
  moon: <path d="M11.800 8.800A5.200 5.200 0 1 1 5.200 2.200a4.600 4.600 0 0 0 6.600 6.600" fill="currentColor" />,
  busy: (
    <g fill="none" strokeWidth="2">
      <circle cx="7" cy="7" r="5" stroke="currentColor" opacity=".28" />
      <path d="M7 2a5 5 0 0 1 5 5" stroke="currentColor" className="ov-turning" />
    </g>
  ),
  moving: <path d="M1 7h8.500M6.500 3.500 10 7l-3.500 3.500M12.500 2.500v9" fill="none" stroke="currentColor" strokeWidth="1.800" />,
  lock: (
    <path d="M3 6.200h8v5.800H3zM4.800 6V4.400a2.200 2.200 0 0 1 4.400 0V6" fill="currentColor" stroke="currentColor" strokeWidth="1.200" fillOpacity=".9" />
  ),
  bar: <path d="M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10M4.500 7h5" fill="none" stroke="currentColor" strokeWidth="1.700" />,
  warning: (
    <>
      <path d="M7 1.500 13.500 12.500H.5z" fill="currentColor" />
      <path d="M7 5.200v3.400M7 10.400v.2" stroke="var(--ov-surface)" strokeWidth="1.500" strokeLinecap="round" />
    </>
  ),
  bad: (
    <>
      <path d="M7 .8 13.200 7 7 13.200.8 7z" fill="currentColor" />
      <path d="M7 4v3.600M7 9.700v.2" stroke="var(--ov-surface)" strokeWidth="1.500" strokeLinecap="round" />
    </>
  ),
  ok: (
    <>
      <circle cx="7" cy="7" r="5.500" fill="currentColor" />
      <path d="M4.500 7.200 6.300 9l3.200-3.700" fill="none" stroke="var(--ov-surface)" strokeWidth="1.500" />
    </>
  ),
  eye: <path d="M1 7c2.500-4.500 9.500-4.500 12 0-2.500 4.500-9.500 4.500-12 0M7 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4" fill="none" stroke="currentColor" strokeWidth="1.500" />,
  info: (
    <>
      <circle cx="7" cy="7" r="5" fill="currentColor" />
      <path d="M7 6.400v3.200M7 4.300v.2" stroke="var(--ov-surface)" strokeWidth="1.500" strokeLinecap="round" />
    </>
  ),
  none: null,
};

export function StateIcon({ state, size = 14, silent }: { state: StateOf; size?: number; silent?: boolean }): ReactElement {
  return (
    <svg
      className={`ov-icon tone-${state.tone}`}
      width={size}
      height={size}
      viewBox="0 0 14 14"
      {...(silent ? { "aria-hidden": true } : { role: "img", "aria-label": state.word })}
    >
      {silent ? null : <title>{state.word}</title>}
      {SHAPES[state.shape]}
    </svg>
  );
}

/** `powering_up` as "Powering Up". */
export const words = (status: string): string =>
  status
    .split(/[_ ]/)
    .filter(Boolean)
    .map((part) => part[0]?.toUpperCase() + part.slice(1))
    .join(" ");

/** A table of states: those named, everything else as grey words. */
export function stateTable(rows: Partial<Record<Shape, [Tone, string]>>): (status: string) => StateOf {
  const known = new Map<string, [Shape, Tone]>();
  for (const [shape, [tone, names]] of Object.entries(rows) as [Shape, [Tone, string]][])
    for (const name of names.split(" ")) known.set(name, [shape, tone]);
  return (status) => {
    const found = known.get(status);
    return { shape: found?.[0] ?? "none", tone: found?.[1] ?? "grey", word: words(status) };
  };
}
