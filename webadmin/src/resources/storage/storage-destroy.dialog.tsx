/** Destroy Storage Domain: the engine forgets it; what is on the storage is not touched. */
import type { ReactElement } from "react";
import { remove } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { BulkDialog } from "../../forms/BulkDialog";

export default function DestroyStorage({ rows, onClose }: DialogProps): ReactElement {
  const name = rows[0]?.name ?? "";
  return (
    <BulkDialog
      title="Destroy Storage Domain"
      rows={rows}
      verb="Destroy"
      danger
      fields={[{ path: "typed", label: "Name of the domain", kind: "text", required: true, help: "Type its name: VMs and disks on it are lost to the engine.", check: (value) => (value === name ? undefined : `Type ${name}.`) }]}
      each={(row) => remove(`/storagedomains/${row.id}?destroy=true`)}
      touches="/storagedomains"
      onClose={onClose}
    />
  );
}
