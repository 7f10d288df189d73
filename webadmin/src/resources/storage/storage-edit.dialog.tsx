/** Manage Domain. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { FormDialog } from "../../forms/FormDialog";

export default function ManageDomain({ rows, onClose }: DialogProps): ReactElement | null {
  const row = rows[0];
  if (!row) return null;
  return (
    <FormDialog
      title="Manage Domain"
      row={row}
      path={`/storagedomains/${row.id}`}
      tabs={[
        {
          id: "main",
          label: "Domain",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 50, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
                { path: "warning_low_space_indicator", label: "Warning Low Space Indicator", kind: "number", unit: "%", least: 0, most: 100 },
                { path: "critical_space_action_blocker", label: "Critical Space Action Blocker", kind: "number", unit: "GiB", least: 0 },
                { path: "wipe_after_delete", label: "Wipe After Delete", kind: "check" },
                { path: "discard_after_delete", label: "Discard After Delete", kind: "check" },
                { path: "backup", label: "Backup", kind: "check" },
              ],
            },
          ],
        },
      ]}
      onClose={onClose}
    />
  );
}
