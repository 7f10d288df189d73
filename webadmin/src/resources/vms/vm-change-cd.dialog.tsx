/** Change CD of a running VM. */
import type { ReactElement } from "react";
import { put, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";

export default function ChangeCd({ rows, onClose }: DialogProps): ReactElement | null {
  const vm = rows[0];
  const drives = useRows(vm ? `/vms/${vm.id}/cdroms?current=true` : undefined).data;
  const images = useRows("/disks?search=disk_content_type%3Diso").data ?? [];
  const drive = drives?.[0];
  if (!vm || !drive) return null;
  return (
    <FormDialog
      title="Change CD"
      width={480}
      path={`/vms/${vm.id}/cdroms`}
      defaults={{ "~file": text(drive, "file.id") }}
      tabs={[{ id: "main", label: "CD", sections: [{ fields: [{ path: "~file", label: "CD", kind: "choice", none: "[Eject]", choices: named(images) }] }] }]}
      send={async (_, values) => put(`/vms/${vm.id}/cdroms/${drive.id}?current=true`, { file: { id: values["~file"] ?? "" } })}
      onClose={onClose}
    />
  );
}
