/** Attach Storage to a data center. */
import type { ReactElement } from "react";
import { type Row, post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";

export default function AttachStorage({ params, onClose }: DialogProps): ReactElement {
  const free = (useRows("/storagedomains").data ?? []).filter((one) => text(one, "status") === "unattached");
  const path = params["path"] ?? `/datacenters/${params["parent"]}/storagedomains`;
  return (
    <FormDialog
      title="Attach Storage"
      width={480}
      path={path}
      defaults={{ id: free[0]?.id ?? "" }}
      tabs={[{ id: "main", label: "Storage", sections: [{ fields: [{ path: "id", label: "Domain", kind: "choice", required: true, help: free.length === 0 ? "No domain is unattached." : undefined, choices: named(free) }] }] }]}
      send={(document) => post<Row>(path, document)}
      onClose={onClose}
    />
  );
}
