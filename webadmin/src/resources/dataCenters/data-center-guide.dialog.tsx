/** Guide Me for a data center: what it still needs. */
import type { ReactElement } from "react";
import { text } from "../../api/client";
import { useRows } from "../../data/queries";
import { Guide, someOf } from "../../dialogs/Guide";
import { type DialogProps, openDialog } from "../../dialogs/registry";

export default function DataCenterGuide({ rows, onClose }: DialogProps): ReactElement | null {
  const center = rows[0];
  const clusters = useRows("/clusters").data?.filter((one) => text(one, "data_center.id") === center?.id);
  const hosts = useRows("/hosts").data?.filter((one) => clusters?.some((cluster) => cluster.id === text(one, "cluster.id")));
  const domains = useRows(center ? `/datacenters/${center.id}/storagedomains` : undefined).data;
  const free = useRows("/storagedomains").data?.filter((one) => text(one, "status") === "unattached");
  if (!center || !clusters || !hosts || !domains || !free) return null;
  const up = hosts.filter((host) => text(host, "status") === "up");
  const active = domains.filter((one) => text(one, "status") === "active" && text(one, "type") === "data");
  const parent = { parent: center.id };
  return (
    <Guide
      title={`${center.name} - Guide Me`}
      about={`What data center ${center.name} needs to be up.`}
      onClose={onClose}
      steps={[
        { title: "Cluster", done: clusters.length > 0, says: clusters.length > 0 ? someOf(clusters.map((one) => one.name)) : "Hosts of one CPU type.", act: { label: "Configure Cluster", run: () => openDialog("cluster-edit", undefined, undefined, parent) } },
        {
          title: "Host",
          done: up.length > 0,
          waits: clusters.length === 0,
          says: up.length > 0 ? `${someOf(up.map((one) => one.name))} ${up.length === 1 ? "is" : "are"} up` : hosts[0] ? `${hosts[0].name} is ${text(hosts[0], "status").replaceAll("_", " ")}; one must be up.` : clusters.length > 0 ? "One at least must be up." : "Needs a cluster first.",
          act: { label: "Configure Host", run: () => openDialog("host-edit", undefined, undefined, clusters[0] ? { parent: clusters[0].id } : {}) },
        },
        {
          title: "Storage",
          done: active.length > 0,
          waits: up.length === 0,
          says: active.length > 0 ? `${someOf(active.map((one) => one.name))} ${active.length === 1 ? "is" : "are"} active` : domains[0] ? `${domains[0].name} is ${text(domains[0], "status").replaceAll("_", " ")}; a data domain must be active.` : up.length > 0 ? "A data domain holds the disks of virtual machines." : "Needs a host that is up first.",
          act: { label: "Configure Storage", run: () => openDialog("storage-new", undefined, undefined, parent) },
        },
        ...(free.length > 0
          ? [{ title: "Storage that is there", done: false, optional: true, waits: up.length === 0, says: up.length > 0 ? `${someOf(free.map((one) => one.name))} ${free.length === 1 ? "belongs" : "belong"} to no data center.` : "Needs a host that is up first.", act: { label: "Attach Storage", run: () => openDialog("storage-attach", undefined, undefined, parent) } }]
          : []),
        { title: "Logical networks", done: false, optional: true, says: "Beside the management network, for virtual machines and roles of hosts.", act: { label: "New Network", run: () => openDialog("network-edit", undefined, undefined, parent) } },
      ]}
    />
  );
}
