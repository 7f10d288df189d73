/** New Tag, Edit Tag: its name and the tag above it. */
import type { ReactElement } from "react";
import { text } from "../api/client";
import { useRows } from "../data/queries";
import { FormDialog } from "../forms/FormDialog";
import { named } from "../forms/fields";
import type { DialogProps } from "./registry";

export default function TagEdit({ rows, params, onClose }: DialogProps): ReactElement {
  const row = rows[0];
  const tags = useRows("/tags").data ?? [];
  return (
    <FormDialog
      title={row ? "Edit Tag" : "New Tag"}
      width={480}
      row={row}
      path={row ? `/tags/${row.id}` : "/tags"}
      defaults={{ "~parent": row ? text(row, "parent.id") : (params["parent"] ?? "") }}
      tabs={[
        {
          id: "main",
          label: "Tag",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 50, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "~parent", label: "Below", kind: "choice", none: "root", choices: named(tags.filter((one) => one.id !== row?.id && one.name !== "root")) },
              ],
            },
          ],
        },
      ]}
      finish={(document, values) => {
        if ((values["~parent"] ?? "") !== text(row, "parent.id") && values["~parent"]) document["parent"] = { id: values["~parent"] };
      }}
      onClose={onClose}
    />
  );
}
