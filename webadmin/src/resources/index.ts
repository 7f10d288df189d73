/** All places with a list, in the order of the main tabs. */
import type { Resource } from "./declare";
import { vms } from "./vms";

export const RESOURCES: readonly Resource[] = [vms];

const places = new Map(RESOURCES.flatMap((resource) => [resource.place, ...(resource.aliases ?? [])].map((token) => [token, resource] as const)));
const collections = new Map(RESOURCES.map((resource) => [resource.collection, resource]));
export const byPlace = (token: string): Resource | undefined => places.get(token);
export const byCollection = (collection: string): Resource | undefined => collections.get(collection);

const singular = (word: string): string => word.toLowerCase().replace(/s$/, "");
/** The resource that a search's first word means, in singular or plural. */
export const byPrefix = (word: string): Resource | undefined =>
  RESOURCES.find((resource) => [resource.prefix, resource.one, resource.collection].some((name) => singular(name) === singular(word)));
