/** Clone VM: a VM of its own with copies of the disks. */
import type { ReactElement } from "react";
import { type Row, post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";

export default function CloneVm({ rows, params, onClose }: DialogProps): ReactElement | null {
  const vm = rows[0];
  const domains = (useRows("/storagedomains").data ?? []).filter((one) => text(one, "type") === "data");
  if (!vm) return null;
  const snapshot = params["snapshot"];
  return (
    <FormDialog
      title="Clone VM"
      path="/vms"
      defaults={{ name: `${vm.name}-clone` }}
      tabs={[
        {
          id: "main",
          label: "Clone",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 255, says: /\bname\b/i },
                { path: "~domain", label: "Target Storage Domain", kind: "choice", none: "Where the disks are now", choices: named(domains), when: () => !snapshot },
              ],
            },
          ],
        },
      ]}
      send={(document, values) =>
        snapshot
          ? post<Row>("/vms?clone=true", { name: document["name"], cluster: { id: text(vm, "cluster.id") }, snapshots: { snapshot: [{ id: snapshot }] } })
          : post<Row>(`/vms/${vm.id}/clone`, { vm: { name: document["name"] }, ...(values["~domain"] ? { storage_domain: { id: values["~domain"] } } : {}) })
      }
      onClose={onClose}
    />
  );
}
