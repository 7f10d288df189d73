/**
 * The API's JSON dialect (version 4).
 *
 * Does: send requests with the session's token, turn refusals into `Fault`, send an identical change that is still
 * under way only once. Does not: cache (queries do) or know resources.
 */
import { API } from "./base";
import { Fault, Unreachable } from "./fault";
import { type Row, rowsOf } from "./read";
import { session } from "./session";

export { at, items, type Json, lighten, number, type Row, rowsOf, text, truth } from "./read";

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
  if (!token) throw new Fault(401, "Signed out", "Your session has ended."); // asked again after the sign-in
  let answer: Response;
  try {
    answer = await fetch(API + path, {
      method,
      headers: {
        Accept: "application/json",
        Version: "4",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        Authorization: `Bearer ${token}`,
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

export const list = async (path: string, options?: Options): Promise<Row[]> =>
  rowsOf(await get<unknown>(path, options));
