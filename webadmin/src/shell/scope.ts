/** The search of a place: what was typed, narrowed to a node of the tree. */
import type { Resource } from "../resources/declare";
import type { Address } from "../router";

export type ScopeKind = "datacenter" | "cluster" | "host" | "storage" | "network" | "template";
export interface Scope {
  kind: ScopeKind;
  name: string;
}

export const quoted = (name: string): string => (/^[\w.-]+$/.test(name) ? name : `"${name.replace(/"/g, "")}"`);

/** `cluster:prod` of an address. */
export function scopeOf(address: Address): Scope | undefined {
  const told = address.params["scope"];
  const colon = told?.indexOf(":") ?? -1;
  return told && colon > 0 ? { kind: told.slice(0, colon) as ScopeKind, name: told.slice(colon + 1) } : undefined;
}
export const scopeText = (resource: Resource, scope: Scope): string | undefined => resource.scopes?.[scope.kind]?.(quoted(scope.name));

/** What the API is asked. */
export function searchOf(resource: Resource, address: Address): string {
  const typed = (address.params["search"] ?? "").trim();
  const scope = scopeOf(address);
  const narrowed = scope ? scopeText(resource, scope) : undefined;
  const parts = [resource.always, narrowed === typed ? undefined : narrowed].filter(Boolean).join(" and ");
  if (!typed) return parts;
  if (!parts) return typed;
  // `or` binds weaker than `and`: each alternative is narrowed.
  return typed
    .split(/\s+or\s+/i)
    .map((part) => `${parts} and ${part}`)
    .join(" or ");
}
