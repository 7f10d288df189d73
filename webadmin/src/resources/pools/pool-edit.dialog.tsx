/** New Pool, Edit Pool. */
import type { ReactElement } from "react";
import { text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";

export default function PoolEdit({ rows, onClose }: DialogProps): ReactElement | null {
  const row = rows[0];
  const clusters = useRows("/clusters").data;
  const all = useRows("/templates").data;
  if (!clusters || !all) return null;
  const templates = all.filter((one) => one.name !== "Blank");
  const size = Number(text(row, "size") || 0);
  return (
    <FormDialog
      title={row ? "Edit Pool" : "New Pool"}
      row={row}
      path={row ? `/vmpools/${row.id}` : "/vmpools"}
      defaults={{ "cluster.id": clusters[0]?.id ?? "", "template.id": templates[0]?.id ?? "", size: "1", max_user_vms: "1", prestarted_vms: "0", type: "automatic" }}
      tabs={[
        {
          id: "general",
          label: "General",
          sections: [
            {
              fields: [
                { path: "cluster.id", label: "Cluster", kind: "choice", required: true, choices: named(clusters), fixed: (_, pool) => (pool ? "A pool stays in its cluster." : undefined) },
                { path: "template.id", label: "Template", kind: "choice", required: true, choices: named(templates), fixed: (_, pool) => (pool ? "A pool keeps its template." : undefined) },
                { path: "name", label: "Name", kind: "text", required: true, limit: 255, help: "?? stands for the number: web-??", says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
                { path: "size", label: "Number of VMs", kind: "number", least: Math.max(1, size), most: 1000, required: true, says: /size|number of VMs/i },
                { path: "prestarted_vms", label: "Prestarted VMs", kind: "number", least: 0 },
                { path: "max_user_vms", label: "Maximum number of VMs per user", kind: "number", least: 1 },
              ],
            },
          ],
        },
        {
          id: "pool",
          label: "Type",
          sections: [
            {
              fields: [
                { path: "type", label: "Pool Type", kind: "choice", choices: [{ value: "automatic", label: "Automatic: VMs return by themselves" }, { value: "manual", label: "Manual: the administrator takes them back" }], fixed: (_, pool) => (pool ? "Chosen when the pool was made." : undefined) },
                { path: "stateful", label: "Stateful", kind: "check", help: "What users change stays." },
              ],
            },
          ],
        },
      ]}
      onClose={onClose}
    />
  );
}
