/** Remove Storage(s): what is on it stays, unless it is formatted. */
import type { ReactElement } from "react";
import { remove } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { BulkDialog } from "../../forms/BulkDialog";
import { named } from "../../forms/fields";

export default function RemoveStorage({ rows, onClose }: DialogProps): ReactElement {
  const hosts = useRows("/hosts?search=status%3Dup").data ?? [];
  return (
    <BulkDialog
      title="Remove Storage(s)"
      rows={rows}
      verb="Remove"
      danger
      defaults={{ host: hosts[0]?.id ?? "" }}
      fields={[
        { path: "host", label: "Host to Use", kind: "choice", required: true, choices: named(hosts) },
        { path: "format", label: "Format Domain, i.e. Storage Content will be lost!", kind: "check" },
      ]}
      each={(row, values) => remove(`/storagedomains/${row.id}?host=${values["host"] ?? ""}&format=${values["format"] === "true" ? "true" : "false"}`)}
      touches="/storagedomains"
      onClose={onClose}
    />
  );
}
