/** New Disk Profile, Edit Disk Profile. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { FormDialog } from "../../forms/FormDialog";

export default function DiskProfileEdit({ rows, params, onClose }: DialogProps): ReactElement {
  const row = rows[0];
  return (
    <FormDialog
      title={row ? "Edit Disk Profile" : "New Disk Profile"}
      width={480}
      row={row}
      path={row ? `/diskprofiles/${row.id}` : "/diskprofiles"}
      tabs={[
        {
          id: "main",
          label: "Disk Profile",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 50, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
              ],
            },
          ],
        },
      ]}
      finish={(document) => {
        if (!row) document["storage_domain"] = { id: params["parent"] };
      }}
      onClose={onClose}
    />
  );
}
