/** Move Disk(s) to another storage domain. */
import type { ReactElement } from "react";
import { post } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { BulkDialog } from "../../forms/BulkDialog";
import { dataDomains } from "./fields";

export default function MoveDisks({ rows, onClose }: DialogProps): ReactElement {
  const domains = useRows("/storagedomains").data ?? [];
  return (
    <BulkDialog
      title="Move Disk(s)"
      rows={rows}
      verb={rows.length === 1 ? "Move" : `Move ${rows.length} disks`}
      fields={[{ path: "domain", label: "Target", kind: "choice", required: true, choices: dataDomains(domains) }]}
      each={(row, values) => post(`/disks/${row.id}/move`, { storage_domain: { id: values["domain"] } })}
      touches="/disks"
      onClose={onClose}
    />
  );
}
