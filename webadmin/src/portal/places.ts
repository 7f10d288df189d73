/** What the portal shows: the web admin's places, cut down to what somebody does with VMs of his own. */
import { type Row, get, list, post, text } from "../api/client";
import { may } from "../data/permits";
import { pools as allPools } from "../resources/pools";
import type { Action, Resource } from "../resources/declare";
import { templates as allTemplates } from "../resources/templates";
import { vms as allVms } from "../resources/vms";
import { router } from "../router";
import { notify } from "../shell/notices";

const pick = <T extends { id: string }>(all: readonly T[], ids: string): T[] => ids.split(" ").flatMap((id) => all.find((one) => one.id === id) ?? []);
const tabs = (resource: Resource, tokens: string): Resource["tabs"] => resource.tabs.filter(({ token }) => tokens.split(" ").includes(token));
const shown = (resource: Resource, ids: string): Resource["columns"] => pick(resource.columns, ids).map((column) => ({ ...column, extra: false }));

/** Shown to everybody; whoever may not do it to a VM is told so. */
const open = (action: Action): Action => {
  const { permit, ...rest } = action;
  if (!permit) return action;
  const word = action.label.toLowerCase();
  return {
    ...rest,
    refuse: (row) => (may(permit, [row]) ? action.refuse?.(row) : { short: "not permitted", long: `You may not ${word}: ${row.name} does not let you.` }),
  };
};

const create: Action = { id: "new", label: "New", icon: "plus", group: "new", on: "none", dialog: "portal-new-vm" };

export const vms: Resource = {
  ...allVms,
  whenEmpty: "new",
  columns: shown(allVms, "name status ip fqdn memory cpu network uptime os description"),
  actions: [create, ...pick(allVms.actions, "run suspend shutdown powerOff reboot reset console snapshot changeCd edit remove").map(open)],
  tabs: tabs(allVms, "general network_interfaces disks snapshots events"),
};

const take: Action = {
  id: "take",
  label: "Take a VM",
  icon: "plus",
  group: "run",
  on: "one",
  permit: "vm_pool_basic_operations",
  run: async (row: Row) => {
    const given = await post<{ vm?: { id?: string; name?: string } }>(`/vmpools/${row.id}/allocatevm`);
    notify("success", `${given.vm?.name ?? "A VM"} of ${row.name} is yours.`);
    router.go({ place: "vms", params: given.vm?.id ? { sel: given.vm.id } : {} });
  },
  done: "given a VM",
};
export const pools: Resource = {
  ...allPools,
  whenEmpty: "",
  columns: shown(allPools, "name size type description"),
  actions: [open(take)],
  tabs: tabs(allPools, "general virtual_machines"),
};

export const templates: Resource = {
  ...allTemplates,
  whenEmpty: "",
  columns: shown(allTemplates, "name version created cluster description"),
  actions: [{ ...create, id: "newVm", label: "New VM", icon: "vm", on: "one", refuse: (row) => (text(row, "status") === "ok" ? undefined : { short: "not OK", long: `${row.name} is not ready.` }) }],
  tabs: tabs(allTemplates, "general disks network_interfaces"),
};

export const PLACES: readonly Resource[] = [vms, pools, templates];
const without = PLACES.map((resource) => ({ ...resource, actions: resource.actions.filter(({ dialog }) => dialog !== create.dialog) }));
/** A place; without what makes VMs for those who may not make any. */
export const placeOf = (token: string, creator: boolean): Resource | undefined => (creator ? PLACES : without).find(({ place }) => place === token);

/** Whether the user may make VMs in any cluster that he sees. */
export async function mayCreate(): Promise<boolean> {
  const ids = (await list("/clusters")).map(({ id }) => id).slice(0, 200);
  const held = await get<{ system: string[]; objects: Record<string, string[]> }>(`/ovis/permits?type=clusters&ids=${ids.join(",")}`);
  return held.system.includes("create_vm") || Object.values(held.objects).some((permits) => permits.includes("create_vm"));
}
