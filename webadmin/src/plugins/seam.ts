/**
 * Where plugins reach into the frame: their places, sub-tabs and buttons, and what they are told.
 *
 * Does: hold what was registered and tell the frame when it changes. Does not: run plugins (the plugin host fills this).
 */
import { type ComponentType, useSyncExternalStore } from "react";
import type { Address } from "../router";
import type { Row } from "../api/client";
import type { Action, Resource, SubTab } from "../resources/declare";

export interface PluginPlace {
  token: string;
  label: string;
  plugin: string;
  priority: number;
  accessible: boolean;
  component: ComponentType<{ address: Address }>;
}

/** A plugin's button; `at`: its position in the toolbar. */
export interface PluginAction {
  action: Action;
  at: number | undefined;
}
/** What plugins added, whole. */
export interface Added {
  places: PluginPlace[];
  subTabs: Map<string, SubTab[]>;
  actions: Map<string, PluginAction[]>;
  /** Buttons in the sub-tab `detail` of `parent`. */
  details: (entity: string, detail: string, parent: Row) => PluginAction[];
}
let places: PluginPlace[] = [];
let subTabs = new Map<string, SubTab[]>();
let actions = new Map<string, PluginAction[]>();
let details: Added["details"] = () => [];
function among(own: Action[], added: PluginAction[]): Action[] {
  if (added.length === 0) return own;
  const all = [...own];
  for (const { action, at } of added) all.splice(at ?? all.length, 0, action);
  return all;
}
const own = new WeakSet<object>();
const selectionListeners = new Set<(resource: Resource, rows: Row[]) => void>();
const watchers = new Set<() => void>();
let version = 0;
let current: Row[] = [];
function changed(): void {
  version += 1;
  for (const watcher of watchers) watcher();
}

export const pluginSeam = {
  places: (): readonly PluginPlace[] => places.filter((place) => place.accessible).sort((a, b) => a.priority - b.priority),
  subTabs: (entity: string): SubTab[] => subTabs.get(entity) ?? [],
  /** A resource's own actions and those of plugins. */
  withActions: (resource: Resource): Action[] => among(resource.actions, actions.get(resource.entity) ?? []),
  /** The same for the list in a sub-tab. */
  withDetailActions: (shown: Action[], entity: string, detail: string | undefined, parent: Row): Action[] =>
    detail === undefined ? shown : among(shown, details(entity, detail, parent)),
  isPlugin: (tab: object): boolean => own.has(tab),
  set(added: Added): void {
    ({ places, subTabs, actions, details } = added);
    for (const tabs of subTabs.values()) for (const tab of tabs) own.add(tab);
    changed();
  },
  /** The frame says that the selection of a list is another one. */
  selected(resource: Resource, rows: Row[]): void {
    current = rows;
    for (const listener of selectionListeners) listener(resource, rows);
  },
  /** What is chosen now. */
  current: (): Row[] => current,
  onSelected(listener: (resource: Resource, rows: Row[]) => void): () => void {
    selectionListeners.add(listener);
    return () => selectionListeners.delete(listener);
  },
};
export const usePlugins = (): number =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => version,
  );
