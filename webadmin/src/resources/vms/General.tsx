/** Sub-tab General of a VM. */
import type { ReactElement } from "react";
import { type Row, number, text, truth } from "../../api/client";
import { useRows } from "../../data/queries";
import { names, useNames } from "../../data/names";
import { figures, useFigures } from "../../data/figures";
import { bytes, exact } from "../../ui/format";
import { Facts } from "../../ui/Facts";
import { Load } from "../parts/Load";
import { addressesOf } from ".";

export default function General({ row }: { row: Row }): ReactElement {
  useNames();
  useFigures();
  const tags = useRows(`/vms/${row.id}/tags`);
  const cluster = names.row("clusters", text(row, "cluster.id"));
  const host = text(row, "host.id");
  const cores = ["sockets", "cores", "threads"].map((part) => number(row, `cpu.topology.${part}`) ?? 1);
  const memory = number(row, "memory") ?? 0;
  const used = figures.now(row.id, "memory");
  return (
    <div className="ov-with-load">
    <Facts
      columns={[
        [
          ["Description", text(row, "description")],
          ["Template", names.of("templates", text(row, "original_template.id") || text(row, "template.id"))],
          ["Operating System", text(row, "os.type").replace(/_/g, " ")],
          ["Optimized for", text(row, "type")],
          ["Cluster", text(cluster, "name")],
          ["Origin", text(row, "origin")],
          ["Created", exact(row["creation_time"])],
          ["Tags", (tags.data ?? []).map((tag) => <span key={tag.id} className="ov-pill">{tag.name}</span>)],
        ],
        [
          ["Runs on", host ? <a href={`#hosts-general;id=${host}`}>{names.of("hosts", host)}</a> : ""],
          ["FQDN", text(row, "fqdn")],
          ["IP Address", addressesOf(row).join(", ")],
          ["Highly Available", truth(row, "high_availability.enabled") ? `Yes, priority ${text(row, "high_availability.priority")}` : "No"],
          ["Console", text(row, "display.type").toUpperCase()],
          ["vCPUs", `${cores.reduce((all, part) => all * part, 1)} (${cores.join(":")})`],
          ["Defined Memory", `${bytes(memory)}${used === undefined ? "" : `, ${bytes((memory * used) / 100)} used`}`],
          ["Guaranteed Memory", bytes(number(row, "memory_policy.guaranteed"))],
          ["VM ID", <span key="id" className="ov-mono">{row.id}</span>],
        ],
      ]}
    />
    <Load row={row} type="vms" />
    </div>
  );
}
