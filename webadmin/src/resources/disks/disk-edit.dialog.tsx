/** New Virtual Disk, Edit Virtual Disk: one that no VM needs to have. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { diskFields, finishDisk, newDisk } from "./fields";

export default function DiskEdit({ rows, onClose }: DialogProps): ReactElement | null {
  const disk = rows[0];
  const domains = useRows("/storagedomains").data;
  if (!domains) return null;
  return (
    <FormDialog
      title={disk ? "Edit Virtual Disk" : "New Virtual Disk"}
      row={disk}
      path={disk ? `/disks/${disk.id}` : "/disks"}
      defaults={newDisk("", domains)}
      tabs={[{ id: "main", label: "Disk", sections: [{ fields: diskFields("", domains, disk) }] }]}
      finish={(document, values) => finishDisk(document, values, disk)}
      onClose={onClose}
    />
  );
}
