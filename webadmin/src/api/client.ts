/**
 * The API's JSON dialect (version 4).
 *
 * Does: send requests with the session's token, turn refusals into `Fault`, send an identical change that is still
 * under way only once. Does not: cache (queries do) or know resources.
 */
import { API } from "./base";
import { Fault, Unreachable } from "./fault";
import { session } from "./session";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
/** An object as the API sends it: truths and most numbers are texts. */
export interface Row {
  id: string;
  name?: string;
  href?: string;
  [key: string]: unknown;
}
export interface Options {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}
export interface Answer<T> {
  body: T;
  headers: Headers;
}

const underWay = new Map<string, Promise<Answer<unknown>>>();

async function once<T>(method: string, path: string, body: unknown, options: Options): Promise<Answer<T>> {
  const token = session.token();
  let answer: Response;
  try {
    answer = await fetch(API + path, {
      method,
      headers: {
        Accept: "application/json",
        Version: "4",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: options.signal ?? null,
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (answer.status === 401) {
    session.ended(token);
    throw new Fault(401, "Signed out", "Your session has ended.");
  }
  const text = await answer.text();
  let parsed: unknown;
  try {
    parsed = text ? JSON.parse(text) : undefined;
  } catch {
    parsed = undefined;
  }
  if (!answer.ok) {
    const told = (parsed ?? {}) as { reason?: string; detail?: string; fault?: { reason?: string; detail?: string } };
    const fault = told.fault ?? told;
    throw new Fault(
      answer.status,
      fault.reason ?? `HTTP ${answer.status}`,
      fault.detail ?? (answer.status === 404 ? "It is not here any more." : ""),
      answer.headers.get("Correlation-Id") ?? undefined,
    );
  }
  return { body: parsed as T, headers: answer.headers };
}

/** One request; changes that are the same as one still under way share its answer. */
export function request<T>(method: string, path: string, body?: unknown, options: Options = {}): Promise<Answer<T>> {
  if (method === "GET") return once<T>(method, path, body, options);
  const key = `${method} ${path} ${JSON.stringify(body) ?? ""}`;
  const known = underWay.get(key);
  if (known) return known as Promise<Answer<T>>;
  const sent = once<T>(method, path, body, options).finally(() => underWay.delete(key));
  underWay.set(key, sent);
  return sent;
}

export const get = async <T>(path: string, options?: Options): Promise<T> =>
  (await request<T>("GET", path, undefined, options)).body;
export const post = async <T = Row>(path: string, body: unknown = {}, options?: Options): Promise<T> =>
  (await request<T>("POST", path, body, options)).body;
export const put = async <T = Row>(path: string, body: unknown, options?: Options): Promise<T> =>
  (await request<T>("PUT", path, body, options)).body;
export const remove = async <T = void>(path: string, body?: unknown, options?: Options): Promise<T> =>
  (await request<T>("DELETE", path, body, options)).body;

/** The objects of a list's answer: its one member, whatever the collection's element is called. */
export function rowsOf(body: unknown): Row[] {
  if (!body || typeof body !== "object") return [];
  const found = Object.values(body).find(Array.isArray) as Row[] | undefined;
  for (const row of found ?? []) lighten(row);
  return found ?? [];
}

/** Drop links that pages build themselves; they are most of a row's bytes. */
export function lighten(row: Row): Row {
  delete row["link"];
  delete row["actions"];
  return row;
}

export const list = async (path: string, options?: Options): Promise<Row[]> =>
  rowsOf(await get<unknown>(path, options));

/** The value at a dotted path, or undefined. */
export function at(row: unknown, path: string): unknown {
  let found: unknown = row;
  for (const part of path.split(".")) {
    if (found === null || typeof found !== "object") return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}
export const text = (row: unknown, path: string): string => {
  const found = at(row, path);
  return found === undefined || found === null || typeof found === "object" ? "" : String(found);
};
export const number = (row: unknown, path: string): number | undefined => {
  const found = text(row, path);
  return found === "" || Number.isNaN(Number(found)) ? undefined : Number(found);
};
export const truth = (row: unknown, path: string): boolean => text(row, path) === "true";
/** The list that the API wraps: `{data_centers: {data_center: [...]}}`. */
export function items(row: unknown, path: string): Row[] {
  const found = at(row, path);
  if (Array.isArray(found)) return found as Row[];
  if (found && typeof found === "object") {
    const inner = Object.values(found).find(Array.isArray);
    if (inner) return inner as Row[];
  }
  return [];
}
