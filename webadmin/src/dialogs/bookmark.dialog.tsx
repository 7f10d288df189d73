/** New Bookmark, Edit Bookmark. */
import type { ReactElement } from "react";
import { FormDialog } from "../forms/FormDialog";
import type { DialogProps } from "./registry";

export default function BookmarkEdit({ rows, params, onClose }: DialogProps): ReactElement {
  const row = rows[0];
  return (
    <FormDialog
      title={row ? "Edit Bookmark" : "New Bookmark"}
      width={480}
      row={row}
      path={row ? `/bookmarks/${row.id}` : "/bookmarks"}
      defaults={{ value: params["value"] ?? "" }}
      tabs={[
        {
          id: "main",
          label: "Bookmark",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 40, says: /\bname\b/i },
                { path: "value", label: "Search string", kind: "mono", required: true, help: "For example: Vms: status = up" },
              ],
            },
          ],
        },
      ]}
      onClose={onClose}
    />
  );
}
