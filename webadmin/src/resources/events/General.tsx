/** All that an event says. */
import type { ReactElement } from "react";
import { type Row, text } from "../../api/client";
import { Facts } from "../../ui/Facts";
import { exactWithZone } from "../../ui/format";
import { formatAddress } from "../../router";

const ABOUT: [key: string, label: string, place: string][] = [
  ["vm", "VM", "vms"],
  ["host", "Host", "hosts"],
  ["template", "Template", "templates"],
  ["storage_domain", "Storage", "storage"],
  ["cluster", "Cluster", "clusters"],
  ["data_center", "Data Center", "dataCenters"],
  ["user", "User", "users"],
];

export default function General({ row }: { row: Row }): ReactElement {
  const about = ABOUT.filter(([key]) => text(row, `${key}.id`)).map(([key, label, place]): [string, ReactElement] => [
    label,
    <a key={key} href={formatAddress({ place, tab: "general", params: { id: text(row, `${key}.id`) } })}>
      {text(row, `${key}.name`) || text(row, `${key}.id`)}
    </a>,
  ]);
  return (
    <Facts
      columns={[
        [
          ["Message", text(row, "description")],
          ["Time", exactWithZone(row["time"])],
          ["Severity", text(row, "severity")],
        ],
        [...about, ["Origin", text(row, "origin")]],
        [
          ["ID", row.id],
          ["Code", text(row, "code")],
          ["Correlation Id", <span key="id" className="ov-mono">{text(row, "correlation_id")}</span>],
          ["Custom Id", text(row, "custom_id") === "-1" ? "" : text(row, "custom_id")],
        ],
      ]}
    />
  );
}
