/** Make Template, or a new version of one. */
import type { ReactElement } from "react";
import { type Row, post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";

export default function MakeTemplate({ rows, params, onClose }: DialogProps): ReactElement | null {
  const vm = rows[0];
  const clusters = useRows("/clusters").data ?? [];
  const templates = (useRows("/templates").data ?? []).filter((one) => text(one, "version.base_template.id") === one.id || !text(one, "version.base_template.id"));
  if (!vm) return null;
  return (
    <FormDialog
      title="New Template"
      path="/templates"
      defaults={{ name: `${vm.name}-template`, "cluster.id": text(vm, "cluster.id") }}
      tabs={[
        {
          id: "main",
          label: "Template",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 40, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
                { path: "cluster.id", label: "Cluster", kind: "choice", required: true, choices: named(clusters) },
                { path: "~base", label: "Create as a Template Sub-Version of", kind: "choice", none: "A template of its own", choices: named(templates.filter((one) => one.name !== "Blank")) },
                { path: "version.version_name", label: "Sub-Version Name", kind: "text", when: (values) => !!values["~base"] },
                { path: "~permissions", label: "Copy VM permissions", kind: "check" },
                { path: "~seal", label: "Seal Template", kind: "check", help: "Takes out what belongs to one machine (Linux only)." },
              ],
            },
          ],
        },
      ]}
      finish={(document, values) => {
        document["vm"] = { id: vm.id, ...(params["snapshot"] ? { snapshots: { snapshot: [{ id: params["snapshot"] }] } } : {}) };
        if (values["~base"]) document["version"] = { ...(document["version"] as object), base_template: { id: values["~base"] } };
      }}
      send={(document, values) => {
        document["vm"] ??= { id: vm.id };
        const query = [values["~permissions"] === "true" && "clone_permissions=true", values["~seal"] === "true" && "seal=true"].filter(Boolean).join("&");
        return post<Row>(`/templates${query ? `?${query}` : ""}`, document);
      }}
      what={() => "The VM stays locked while its disks are copied."}
      onClose={onClose}
    />
  );
}
