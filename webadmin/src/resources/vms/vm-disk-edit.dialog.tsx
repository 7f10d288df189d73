/** New Virtual Disk, Edit Virtual Disk of a VM. */
import type { ReactElement } from "react";
import type { Row } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { diskFields, finishDisk, newDisk } from "../disks/fields";

const INTERFACES = [
  { value: "virtio_scsi", label: "VirtIO-SCSI" },
  { value: "virtio", label: "VirtIO" },
  { value: "sata", label: "SATA" },
  { value: "ide", label: "IDE" },
];

export default function VmDiskEdit({ rows, params, onClose }: DialogProps): ReactElement | null {
  const attachment = rows[0];
  const disk = attachment?.["disk"] as Row | undefined;
  const domains = useRows("/storagedomains").data;
  if (!domains) return null;
  const path = params["path"] ?? "";
  return (
    <FormDialog
      title={attachment ? "Edit Virtual Disk" : "New Virtual Disk"}
      row={attachment}
      path={attachment ? `${path}/${attachment.id}` : path}
      defaults={{ ...newDisk("disk.", domains), interface: "virtio_scsi", active: "true" }}
      tabs={[
        {
          id: "main",
          label: "Disk",
          sections: [
            { fields: diskFields("disk.", domains, disk) },
            {
              title: "In this VM",
              fields: [
                { path: "interface", label: "Interface", kind: "choice", choices: INTERFACES },
                { path: "bootable", label: "Bootable", kind: "check" },
                { path: "read_only", label: "Read Only", kind: "check" },
                { path: "active", label: "Activate", kind: "check" },
              ],
            },
          ],
        },
      ]}
      finish={(document, values) => {
        const inner = (document["disk"] ??= {}) as Record<string, unknown>;
        finishDisk(inner, values, disk);
        if (Object.keys(inner).length === 0) delete document["disk"];
      }}
      onClose={onClose}
    />
  );
}
