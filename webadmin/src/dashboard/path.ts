/** Courses of values as paths, with a gap where nothing is known; parts of a whole; the order of states. */
import type { Sample } from "./data";

export interface Point {
  x: number;
  y: number | null;
}
const short = (value: number): string => String(Math.round(value * 10) / 10);

/** Runs of points that are known. */
export function runsOf(points: Point[]): { x: number; y: number }[][] {
  const runs: { x: number; y: number }[][] = [];
  let run: { x: number; y: number }[] | undefined;
  for (const { x, y } of points) {
    if (y === null) run = undefined;
    else if (run) run.push({ x, y });
    else runs.push((run = [{ x, y }]));
  }
  return runs;
}

export const lineOf = (points: Point[]): string =>
  runsOf(points)
    .map((run) => run.map(({ x, y }, index) => `${index ? "L" : "M"}${short(x)} ${short(y)}`).join("") + (run.length === 1 ? "h.1" : ""))
    .join("");

export const areaOf = (points: Point[], height: number): string =>
  runsOf(points)
    .map((run) => {
      const [first, last] = [run[0], run.at(-1)];
      return `M${short(first?.x ?? 0)} ${height}${run.map(({ x, y }) => `L${short(x)} ${short(y)}`).join("")}L${short(last?.x ?? 0)} ${height}Z`;
    })
    .join("");

export function extent(history: Sample[]): { low: number | undefined; high: number | undefined } {
  const known = history.map(({ value }) => value).filter((value) => value !== null);
  return known.length ? { low: Math.min(...known), high: Math.max(...known) } : { low: undefined, high: undefined };
}

/** A quantity as a per cent of its whole. */
export function share(part: number | null, whole: number | null): number | undefined {
  return part === null || !whole ? undefined : (part / whole) * 100;
}

/** States in the order of urgency, as in lists. */
const ORDER = "up active ok not_responding non_responsive error install_failed non_operational inactive problematic not_operational alert warning maintenance preparing_for_maintenance paused suspended down unattached uninitialized normal".split(" ");
const rank = (state: string): number => (ORDER.includes(state) ? ORDER.indexOf(state) : 10.5);
export const byUrgency = (states: Record<string, number>): [string, number][] =>
  Object.entries(states)
    .filter(([, number]) => number > 0)
    .sort(([a], [b]) => rank(a) - rank(b));
