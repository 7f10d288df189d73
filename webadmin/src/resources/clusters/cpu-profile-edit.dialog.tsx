/** New CPU Profile, Edit CPU Profile. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { FormDialog } from "../../forms/FormDialog";

export default function CPUProfileEdit({ rows, params, onClose }: DialogProps): ReactElement {
  const row = rows[0];
  return (
    <FormDialog
      title={row ? "Edit CPU Profile" : "New CPU Profile"}
      width={480}
      row={row}
      path={row ? `/cpuprofiles/${row.id}` : "/cpuprofiles"}
      tabs={[
        {
          id: "main",
          label: "CPU Profile",
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
        if (!row) document["cluster"] = { id: params["parent"] };
      }}
      onClose={onClose}
    />
  );
}
