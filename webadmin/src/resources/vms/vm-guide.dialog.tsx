/** Guide Me for a virtual machine: what it still needs before it is of use. */
import { type ReactElement, useState } from "react";
import { post, text, truth } from "../../api/client";
import { sentencesOf } from "../../api/fault";
import { outdated, useRow, useRows } from "../../data/queries";
import { Guide, someOf } from "../../dialogs/Guide";
import { type DialogProps, openDialog } from "../../dialogs/registry";
import { notify } from "../../shell/notices";

export default function VmGuide({ rows, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const base = given ? `/vms/${given.id}` : undefined;
  const vm = useRow(base).data;
  const nics = useRows(base && `${base}/nics`).data;
  const disks = useRows(base && `${base}/diskattachments?follow=disk`).data;
  const hosts = useRows("/hosts").data;
  const [busy, setBusy] = useState(false);
  if (!vm || !nics || !disks || !hosts) return null;
  const here = hosts.filter((host) => text(host, "cluster.id") === text(vm, "cluster.id") && text(host, "status") === "up");
  const boots = disks.some((disk) => truth(disk, "bootable"));
  const down = text(vm, "status") === "down";
  const start = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await post(`/vms/${vm.id}/start`);
      outdated(`/vms/${vm.id}`);
    } catch (error) {
      notify("danger", `${vm.name} does not start`, sentencesOf(error).join(" "));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Guide
      title={`${vm.name} - Guide Me`}
      about={`What virtual machine ${vm.name} needs.`}
      onClose={onClose}
      steps={[
        {
          title: "Network interface",
          done: nics.length > 0,
          says: nics.length > 0 ? someOf(nics.map((nic) => nic.name)) : "Without one it reaches nothing.",
          act: { label: "Configure Network Interfaces", run: () => openDialog("nic-edit", undefined, undefined, { parent: vm.id, path: `${base}/nics` }) },
        },
        {
          title: "Virtual disk",
          done: disks.length > 0,
          says: disks.length > 0 ? `${disks.length} ${disks.length === 1 ? "disk" : "disks"}${boots ? "" : "; none is bootable"}` : "Without one it boots from a CD or the network only.",
          act: { label: "Configure Virtual Disks", run: () => openDialog("vm-disk-edit", undefined, undefined, { parent: vm.id, path: `${base}/diskattachments` }) },
        },
        { title: "A disk that is there", done: false, optional: true, says: "One that belongs to no virtual machine, or may be shared.", act: { label: "Attach Virtual Disk", run: () => openDialog("vm-disk-attach", undefined, undefined, { parent: vm.id, path: `${base}/diskattachments` }) } },
        {
          title: "Run",
          done: !down,
          waits: here.length === 0,
          says: down ? (here.length > 0 ? `${someOf(here.map((one) => one.name))} can be asked to run it.` : "No host of its cluster is up.") : `It is ${text(vm, "status").replaceAll("_", " ")}.`,
          ...(down ? { act: { label: "Run", run: () => void start() } } : {}),
        },
      ]}
    />
  );
}
