/** Force Remove Data Center: the engine forgets it with what its storage can no longer tell. */
import type { ReactElement } from "react";
import { remove } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { BulkDialog } from "../../forms/BulkDialog";

export default function ForceRemove({ rows, onClose }: DialogProps): ReactElement {
  const name = rows[0]?.name ?? "";
  return (
    <BulkDialog
      title="Force Remove Data Center"
      rows={rows}
      verb="Force Remove"
      danger
      fields={[{ path: "typed", label: "Name of the data center", kind: "text", required: true, help: "Type its name: it is removed with its networks, and its clusters belong to none. This cannot be undone.", check: (value) => (value === name ? undefined : `Type ${name}.`) }]}
      each={(row) => remove(`/datacenters/${row.id}?force=true`)}
      touches="/datacenters"
      onClose={onClose}
    />
  );
}
