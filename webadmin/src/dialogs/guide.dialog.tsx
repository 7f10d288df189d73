/** Guide: from nothing to the first virtual machine. */
import type { ReactElement } from "react";
import { type Row, text } from "../api/client";
import { useRows } from "../data/queries";
import { Guide, someOf } from "./Guide";
import { type DialogProps, openDialog } from "./registry";

export default function FirstSteps({ onClose }: DialogProps): ReactElement | null {
  const centers = useRows("/datacenters").data;
  const clusters = useRows("/clusters").data;
  const hosts = useRows("/hosts").data;
  const domains = useRows("/storagedomains").data;
  const vms = useRows("/vms?max=2").data;
  if (!centers || !clusters || !hosts || !domains || !vms) return null;
  const names = (rows: Row[]): string => someOf(rows.map((row) => row.name));
  const up = hosts.filter((host) => text(host, "status") === "up");
  const active = centers.filter((center) => text(center, "status") === "up");
  const idle = hosts[0];
  const domain = domains.find((one) => text(one, "type") === "data");
  return (
    <Guide
      title="Guide"
      about="What an installation needs until a virtual machine runs. Each step stays possible later."
      onClose={onClose}
      steps={[
        { title: "Data center", done: centers.length > 0, says: centers.length > 0 ? names(centers) : "Holds clusters, storage and networks.", act: { label: "New Data Center", run: () => openDialog("data-center-edit", undefined) } },
        {
          title: "Cluster",
          done: clusters.length > 0,
          waits: centers.length === 0,
          says: clusters.length > 0 ? names(clusters) : centers.length > 0 ? "Hosts of one CPU type, among which virtual machines move." : "Needs a data center first.",
          act: { label: "New Cluster", run: () => openDialog("cluster-edit", undefined) },
        },
        {
          title: "Host",
          done: up.length > 0,
          waits: clusters.length === 0,
          says: up.length > 0 ? `${names(up)} ${up.length === 1 ? "is" : "are"} up` : idle ? `${idle.name} is ${text(idle, "status").replaceAll("_", " ")}; one must be up.` : clusters.length > 0 ? "Runs the virtual machines." : "Needs a cluster first.",
          act: { label: "New Host", run: () => openDialog("host-edit", undefined) },
        },
        {
          title: "Storage",
          done: active.length > 0,
          waits: up.length === 0,
          says: active.length > 0 ? `${names(active)} ${active.length === 1 ? "has" : "have"} active storage` : domain ? `${domain.name} is there, but in no data center that is up. Attach and activate it.` : up.length > 0 ? "Holds the disks of virtual machines." : "Needs a host that is up first.",
          act: { label: "New Domain", run: () => openDialog("storage-new", undefined) },
        },
        {
          title: "Virtual machine",
          done: vms.length > 0,
          waits: clusters.length === 0,
          says: vms[0] ? `${vms[0].name}${vms.length > 1 ? " and others" : ""}` : clusters.length > 0 ? "It starts once a host is up; with disks, once storage is active." : "Needs a cluster first.",
          act: { label: "New VM", run: () => openDialog("vm-edit", undefined) },
        },
      ]}
    />
  );
}
