/** Main tabs: those with a list (`resources`), single pages that are there, and plugins' places. */
import { type ComponentType, lazy } from "react";
import { RESOURCES, byPlace } from "../resources";
import { type Address, formatAddress } from "../router";
import { pluginSeam } from "../plugins/seam";

export interface MainPlace {
  token: string;
  label: string;
  /** The system tree stands beside it. */
  tree: boolean;
  /** A page of its own; none: a resource's list. */
  component?: ComponentType<{ address: Address }>;
  /** Not among the tabs, only by its address. */
  hidden?: boolean;
  plugin?: string;
}
type Page = { default: ComponentType<{ address: Address }> };

// A folder with a page.tsx is a place of its own; what is not built is not there.
const found = import.meta.glob<Page>(["../dashboard/page.tsx", "../topology/page.tsx"]);
const page = (folder: string): ComponentType<{ address: Address }> | undefined => {
  const load = found[`../${folder}/page.tsx`];
  return load && lazy(load);
};
const dashboard = page("dashboard");
const topology = page("topology");

const own: readonly MainPlace[] = [
  ...(dashboard ? [{ token: "dashboard", label: "Dashboard", tree: false, component: dashboard }] : []),
  ...RESOURCES.map((resource) => ({ token: resource.place, label: resource.label, tree: true })),
  ...(topology ? [{ token: "topology", label: "Topology", tree: false, component: topology, hidden: true }] : []),
];

export const mainPlaces = (): readonly MainPlace[] => [
  ...own,
  ...pluginSeam.places().map((place) => ({ token: place.token, label: place.label, tree: true, plugin: place.plugin, component: place.component })),
];
/** The place that an address names; tokens of plugins may have dashes. */
export function placeOf(address: Address): MainPlace | undefined {
  const all = mainPlaces();
  const whole = address.tab ? `${address.place}-${address.tab}` : address.place;
  return all.find((place) => place.plugin && place.token === whole) ?? all.find((place) => place.token === (byPlace(address.place)?.place ?? address.place));
}
export const firstPlace = (): string => own[0]?.token ?? "vms";
export const placeHref = (token: string): string => formatAddress({ place: token, params: {} });
