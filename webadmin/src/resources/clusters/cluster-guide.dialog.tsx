/** Guide Me for a cluster: what it still needs. */
import type { ReactElement } from "react";
import { text } from "../../api/client";
import { useRow, useRows } from "../../data/queries";
import { Guide, someOf } from "../../dialogs/Guide";
import { type DialogProps, openDialog } from "../../dialogs/registry";

export default function ClusterGuide({ rows, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const cluster = useRow(given ? `/clusters/${given.id}` : undefined).data;
  const centers = useRows("/datacenters").data;
  const hosts = useRows("/hosts").data?.filter((one) => text(one, "cluster.id") === given?.id);
  if (!cluster || !centers || !hosts) return null;
  const center = centers.find((one) => one.id === text(cluster, "data_center.id"));
  const up = hosts.filter((host) => text(host, "status") === "up");
  const cpu = text(cluster, "cpu.type");
  return (
    <Guide
      title={`${cluster.name} - Guide Me`}
      about={`What cluster ${cluster.name} needs until it runs virtual machines.`}
      onClose={onClose}
      steps={[
        center
          ? { title: "Data center", done: true, says: `${center.name ?? ""}, which is ${text(center, "status").replaceAll("_", " ")}` }
          : { title: "Data center", done: false, says: "It belongs to none.", act: { label: "Edit Cluster", run: () => openDialog("cluster-edit", cluster) } },
        { title: "CPU type", done: cpu !== "", says: cpu || "The first host says it, unless you do.", optional: cpu === "", act: { label: "Edit Cluster", run: () => openDialog("cluster-edit", cluster) } },
        {
          title: "Host",
          done: up.length > 0,
          waits: center === undefined,
          says: up.length > 0 ? `${someOf(up.map((one) => one.name))} ${up.length === 1 ? "is" : "are"} up` : hosts[0] ? `${hosts[0].name} is ${text(hosts[0], "status").replaceAll("_", " ")}; one must be up.` : center ? "It has none." : "Needs a data center first.",
          act: { label: "Configure Host", run: () => openDialog("host-edit", undefined, undefined, { parent: cluster.id }) },
        },
        {
          title: "A second host",
          done: up.length > 1,
          optional: true,
          waits: up.length === 0,
          says: up.length > 1 ? `${up.length} hosts are up` : "Virtual machines can then migrate, and start again elsewhere when a host is lost.",
          act: { label: "New Host", run: () => openDialog("host-edit", undefined, undefined, { parent: cluster.id }) },
        },
        { title: "Networks", done: false, optional: true, says: "Which ones hosts need, and which one carries displays and migrations.", act: { label: "Manage Networks", run: () => openDialog("cluster-networks", cluster) } },
      ]}
    />
  );
}
