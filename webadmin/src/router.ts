/**
 * Addresses: `#vms;search=...;sel=...;tab=...` for lists, `#vms-snapshots;id=...` for pages.
 *
 * Does: read and write the address, tell who listens. Tokens are oVirt's, and plugins use the same form.
 */
import { useSyncExternalStore } from "react";

export interface Address {
  /** `vms`, or a plugin's token. */
  place: string;
  /** Of a page: `snapshots` in `vms-snapshots`. */
  tab?: string | undefined;
  params: Readonly<Record<string, string>>;
}

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export function parseAddress(hash: string): Address {
  const [token = "", ...rest] = hash.replace(/^#/, "").split(";");
  const params: Record<string, string> = {};
  for (const part of rest) {
    const equals = part.indexOf("=");
    if (equals > 0) params[part.slice(0, equals)] = decode(part.slice(equals + 1));
  }
  const whole = decode(token);
  const dash = whole.indexOf("-");
  return dash > 0 ? { place: whole.slice(0, dash), tab: whole.slice(dash + 1), params } : { place: whole, params };
}

/** The value as it stands in an address: readable, without what ends it. */
const encode = (value: string): string =>
  encodeURIComponent(value).replace(/%20/g, "+").replace(/%3A/g, ":").replace(/%2C/g, ",").replace(/%2F/g, "/");

export function formatAddress(address: Address): string {
  const token = address.tab ? `${address.place}-${address.tab}` : address.place;
  const params = Object.entries(address.params)
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `;${key}=${encode(value).replace(/\+/g, "%20")}`);
  return `#${token}${params.join("")}`;
}

let current = parseAddress(location.hash);
const watchers = new Set<() => void>();
addEventListener("hashchange", () => {
  current = parseAddress(location.hash);
  for (const watcher of watchers) watcher();
});

export const router = {
  address: (): Address => current,
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  /** Go to a place; `replace` where Back shall not stop (selections). */
  go(address: Address, replace = false): void {
    const hash = formatAddress(address);
    if (hash === location.hash) return;
    if (replace) {
      history.replaceState(history.state, "", hash);
      current = parseAddress(hash);
      for (const watcher of watchers) watcher();
    } else {
      location.hash = hash;
    }
  },
  /** Change parameters of where we are; undefined or "" takes one away. */
  set(params: Record<string, string | undefined>, replace = false): void {
    const merged: Record<string, string> = {};
    for (const [key, value] of Object.entries({ ...current.params, ...params })) if (value) merged[key] = value;
    router.go({ ...current, params: merged }, replace);
  },
};

export const useAddress = (): Address => useSyncExternalStore(router.subscribe, router.address);
