/**
 * Where plugins reach into the frame: their places, sub-tabs and buttons, and what they are told.
 *
 * Does: hold what was registered and tell the frame when it changes. Does not: run plugins (the plugin host fills this).
 */
import { useSyncExternalStore } from "react";
import type { Row } from "../api/client";
import type { Action, Resource, SubTab } from "../resources/declare";

export interface PluginPlace {
  token: string;
  label: string;
  plugin: string;
  priority: number;
  accessible: boolean;
  component: SubTab["component"];
}

const places: PluginPlace[] = [];
const subTabs = new Map<string, SubTab[]>();
const actions = new Map<string, Action[]>();
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
  actions: (entity: string): Action[] => actions.get(entity) ?? [],
  isPlugin: (tab: object): boolean => own.has(tab),
  addPlace(place: PluginPlace): void {
    places.push(place);
    changed();
  },
  addSubTab(entity: string, tab: SubTab): void {
    own.add(tab);
    subTabs.set(entity, [...(subTabs.get(entity) ?? []), tab]);
    changed();
  },
  setSubTabs(entity: string, tabs: SubTab[]): void {
    for (const tab of tabs) own.add(tab);
    subTabs.set(entity, tabs);
    changed();
  },
  addAction(entity: string, action: Action): void {
    actions.set(entity, [...(actions.get(entity) ?? []), action]);
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
  changed,
};
export const usePlugins = (): number =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => version,
  );
