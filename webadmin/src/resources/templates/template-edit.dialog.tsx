/** Edit Template. */
import type { ReactElement } from "react";
import { text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRow } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { consoleTab, systemTab } from "../vms/edit-fields";

export default function TemplateEdit({ rows, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const row = useRow(given ? `/templates/${given.id}` : undefined).data;
  if (!row) return null;
  return (
    <FormDialog
      title="Edit Template"
      row={row}
      path={`/templates/${row.id}`}
      tabs={[
        {
          id: "general",
          label: "General",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 255, says: /\bname\b/i, fixed: () => (row.name === "Blank" && text(row, "version.version_number") === "1" ? "Blank keeps its name." : undefined) },
                { path: "version.version_name", label: "Sub-Version Name", kind: "text" },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
                { path: "delete_protected", label: "Delete Protection", kind: "check" },
                { path: "stateless", label: "Stateless", kind: "check", advanced: true },
                { path: "start_paused", label: "Start in Pause Mode", kind: "check", advanced: true },
              ],
            },
          ],
        },
        systemTab(),
        consoleTab,
      ]}
      onClose={onClose}
    />
  );
}
