/** All places with a list, in the order of the main tabs. */
import type { Resource } from "./declare";
import { clusters } from "./clusters";
import { dataCenters } from "./dataCenters";
import { disks } from "./disks";
import { events } from "./events";
import { hosts } from "./hosts";
import { networks } from "./networks";
import { pools } from "./pools";
import { storage } from "./storage";
import { templates } from "./templates";
import { users } from "./users";
import { vms } from "./vms";

export const RESOURCES: readonly Resource[] = [dataCenters, clusters, hosts, networks, storage, disks, vms, pools, templates, users, events];

const places = new Map(RESOURCES.flatMap((resource) => [resource.place, ...(resource.aliases ?? [])].map((token) => [token, resource] as const)));
const collections = new Map(RESOURCES.map((resource) => [resource.collection, resource]));
export const byPlace = (token: string): Resource | undefined => places.get(token);
export const byCollection = (collection: string): Resource | undefined => collections.get(collection);

const singular = (word: string): string => word.toLowerCase().replace(/s$/, "");
/** The resource that a search's first word means, in singular or plural. */
export const byPrefix = (word: string): Resource | undefined =>
  RESOURCES.find((resource) => [resource.prefix, resource.one, resource.collection].some((name) => singular(name) === singular(word)));
