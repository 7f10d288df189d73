/** Create Snapshot: which disks, and the memory of a running VM. */
import { type ReactElement, useState } from "react";
import { type Row, number, post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormSection } from "../../forms/Field";
import { FormDialog } from "../../forms/FormDialog";
import type { Values } from "../../forms/fields";
import { bytes } from "../../ui/format";

export default function CreateSnapshot({ rows, onClose }: DialogProps): ReactElement | null {
  const vm = rows[0];
  const attachments = useRows(vm ? `/vms/${vm.id}/diskattachments?follow=disk` : undefined).data ?? [];
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  if (!vm) return null;
  const running = text(vm, "status") === "up" || text(vm, "status") === "paused";
  const send = (document: Record<string, unknown>, values: Values): Promise<Row> => {
    const chosen = attachments.filter((one) => !left.has(one.id));
    return post<Row>(`/vms/${vm.id}/snapshots`, {
      description: document["description"],
      persist_memorystate: String(running && values["~memory"] === "true"),
      ...(left.size > 0 ? { disk_attachments: { disk_attachment: chosen.map((one) => ({ disk: { id: text(one, "disk.id") || one.id } })) } } : {}),
    });
  };
  return (
    <FormDialog
      title="Create Snapshot"
      path={`/vms/${vm.id}/snapshots`}
      defaults={{ "~memory": "true" }}
      tabs={[
        {
          id: "main",
          label: "Snapshot",
          sections: [
            {
              fields: [
                { path: "description", label: "Description", kind: "text", required: true },
                { path: "~memory", label: "Save Memory", kind: "check", when: () => running, help: "The VM goes on from here when the snapshot is restored." },
              ],
            },
          ],
        },
      ]}
      extra={{
        main: (
          <FormSection title="Disks to include">
            {attachments.map((one) => (
              <label key={one.id} className="ov-field-check">
                <input
                  type="checkbox"
                  className="ov-check"
                  checked={!left.has(one.id)}
                  onChange={() => setLeft((now) => (now.has(one.id) ? new Set([...now].filter((id) => id !== one.id)) : new Set([...now, one.id])))}
                />
                {text(one, "disk.name") || text(one, "disk.alias")} <span className="ov-muted">{bytes(number(one, "disk.provisioned_size"))}</span>
              </label>
            ))}
          </FormSection>
        ),
      }}
      send={send}
      what={() => (running ? "The VM goes on while its snapshot is made." : null)}
      onClose={onClose}
    />
  );
}
