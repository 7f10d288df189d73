/** Approve a host that has joined by itself. */
import type { ReactElement } from "react";
import { post } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { BulkDialog } from "../../forms/BulkDialog";
import { named } from "../../forms/fields";

export default function ApproveHost({ rows, onClose }: DialogProps): ReactElement {
  const clusters = useRows("/clusters").data ?? [];
  return (
    <BulkDialog
      title="Approve Host"
      rows={rows}
      verb="Approve"
      fields={[{ path: "cluster", label: "Host Cluster", kind: "choice", none: "As it is", choices: named(clusters) }]}
      each={(row, values) => post(`/hosts/${row.id}/approve`, values["cluster"] ? { cluster: { id: values["cluster"] } } : {})}
      touches="/hosts"
      onClose={onClose}
    />
  );
}
