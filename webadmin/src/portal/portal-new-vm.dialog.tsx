/** New VM from a template: a name, and where it shall be. */
import type { ReactElement } from "react";
import { number, text } from "../api/client";
import { useRows } from "../data/queries";
import type { DialogProps } from "../dialogs/registry";
import { FormDialog } from "../forms/FormDialog";
import { bytes } from "../ui/format";

export default function NewVm({ rows, onClose }: DialogProps): ReactElement {
  const templates = useRows("/templates").data ?? [];
  const clusters = useRows("/clusters").data ?? [];
  const given = rows[0];
  const choices = templates.map((template) => ({
    value: template.id,
    label: `${template.name}${number(template, "version.version_number") && (number(template, "version.version_number") ?? 1) > 1 ? ` ${text(template, "version.version_name")}` : ""}`,
    note: bytes(number(template, "memory")),
  }));
  const first = given?.id ?? templates.find((template) => template.name !== "Blank")?.id ?? templates[0]?.id;
  return (
    <FormDialog
      title="New VM"
      path="/vms"
      width={560}
      defaults={{ ...(first ? { "template.id": first } : {}), ...(clusters[0] ? { "cluster.id": clusters[0].id } : {}) }}
      tabs={[
        {
          id: "main",
          label: "VM",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 64 },
                { path: "description", label: "Description", kind: "text" },
                { path: "template.id", label: "Template", kind: "choice", required: true, choices },
                { path: "cluster.id", label: "Cluster", kind: "choice", required: true, choices: clusters.map((cluster) => ({ value: cluster.id, label: cluster.name ?? "" })) },
              ],
            },
          ],
        },
      ]}
      what={() => "It is there as soon as its disks are."}
      onClose={onClose}
    />
  );
}
