/** Remove Disk(s): take them from the VM, or delete them. */
import type { ReactElement } from "react";
import { remove, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { BulkDialog } from "../../forms/BulkDialog";

export default function RemoveVmDisks({ rows, params, onClose }: DialogProps): ReactElement {
  const path = params["path"] ?? "";
  return (
    <BulkDialog
      title="Remove Disk(s)"
      rows={rows}
      name={(row) => text(row, "disk.alias") || text(row, "disk.name")}
      verb={rows.length === 1 ? "Remove" : `Remove ${rows.length} disks`}
      danger
      fields={[{ path: "~delete", label: "Remove permanently", kind: "check", help: "Otherwise the disk stays, and belongs to no VM." }]}
      each={(row, values) => remove(`${path}/${row.id}?detach_only=${String(values["~delete"] !== "true")}`)}
      touches={path}
      onClose={onClose}
    />
  );
}
