/** Move Disk(s) of a VM; while it runs, under it. */
import type { ReactElement } from "react";
import { post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { BulkDialog } from "../../forms/BulkDialog";
import { dataDomains } from "../disks/fields";

export default function MoveVmDisks({ rows, params, onClose }: DialogProps): ReactElement {
  const domains = useRows("/storagedomains").data ?? [];
  return (
    <BulkDialog
      title="Move Disk(s)"
      rows={rows}
      name={(row) => text(row, "disk.alias") || text(row, "disk.name")}
      verb={rows.length === 1 ? "Move" : `Move ${rows.length} disks`}
      fields={[{ path: "domain", label: "Target", kind: "choice", required: true, choices: dataDomains(domains) }]}
      each={(row, values) => post(`/disks/${text(row, "disk.id") || row.id}/move`, { storage_domain: { id: values["domain"] } })}
      touches={params["path"] ?? "/disks"}
      onClose={onClose}
    />
  );
}
