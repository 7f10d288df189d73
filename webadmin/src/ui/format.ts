/** Numbers, sizes and times as people read them. */
const NARROW = "\u202f";
export const DASH = "–";

export function bytes(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return DASH;
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let rest = value;
  while (Math.abs(rest) >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : rest >= 10 ? 1 : 2;
  return `${Number(rest.toFixed(digits)).toLocaleString()} ${units[unit]}`;
}

export const percent = (value: number | undefined | null): string =>
  value === undefined || value === null ? DASH : `${Math.round(value)}${NARROW}%`;

/** A length of time, coarse: "41 d", "4 s". */
export function span(seconds: number | undefined): string {
  if (seconds === undefined || seconds < 0) return DASH;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** A moment as the API gives it: milliseconds, or ISO text. */
export function moment(value: unknown): Date | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const found = new Date(typeof value === "number" || /^\d+$/.test(String(value)) ? Number(value) : String(value));
  return Number.isNaN(found.getTime()) ? undefined : found;
}
export const time = (value: unknown): string => {
  const found = moment(value);
  return found ? clock.format(found) : DASH;
};
export const exact = (value: unknown): string => {
  const found = moment(value);
  return found ? whole.format(found) : DASH;
};
export const exactWithZone = (value: unknown): string => {
  const found = moment(value);
  return found ? zone.format(found) : "";
};
/** "14 s ago", then "yesterday, 18:20", then "2 Sep 2026". */
export function ago(value: unknown, now = Date.now()): string {
  const found = moment(value);
  if (!found) return DASH;
  const seconds = Math.max(0, (now - found.getTime()) / 1000);
  if (seconds < 86_400) return `${span(seconds)} ago`;
  if (seconds < 172_800) return `yesterday, ${hour.format(found)}`;
  return day.format(found);
}
export const version = (value: unknown): string => {
  const found = value as { major?: string; minor?: string } | undefined;
  return found?.major === undefined ? DASH : `${found.major}.${found.minor ?? 0}`;
};
export const count = (value: number): string => value.toLocaleString();
/** "1 VM", "12 VMs". */
export const counted = (value: number, one: string, many: string): string => `${count(value)} ${value === 1 ? one : many}`;
