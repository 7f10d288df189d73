/** New Data Center, Edit Data Center. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { FormDialog } from "../../forms/FormDialog";
import { finishLevel, levelAt, levelField } from "../../forms/levels";

export default function DataCenterEdit({ rows, onClose }: DialogProps): ReactElement {
  const row = rows[0];
  return (
    <FormDialog
      title={row ? "Edit Data Center" : "New Data Center"}
      row={row}
      path={row ? `/datacenters/${row.id}` : "/datacenters"}
      defaults={{ local: "false", quota_mode: "disabled", "~level": levelAt(row) || "4.7" }}
      tabs={[
        {
          id: "main",
          label: "Data Center",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 40, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
                { path: "local", label: "Storage Type", kind: "choice", choices: [{ value: "false", label: "Shared" }, { value: "true", label: "Local" }] },
                levelField("Compatibility Version"),
                { path: "quota_mode", label: "Quota Mode", kind: "choice", choices: [{ value: "disabled", label: "Disabled" }, { value: "audit", label: "Audit" }, { value: "enabled", label: "Enforced" }] },
              ],
            },
          ],
        },
      ]}
      finish={(document, values) => finishLevel(document, values, levelAt(row))}
      onClose={onClose}
    />
  );
}
