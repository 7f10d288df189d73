/** Attach Virtual Disks: those that no VM has, and shareable ones. */
import { type ReactElement, useState } from "react";
import { type Row, number, post, text } from "../../api/client";
import { sentencesOf } from "../../api/fault";
import type { DialogProps } from "../../dialogs/registry";
import { outdated, useRows } from "../../data/queries";
import { Dialog, FaultBox } from "../../ui/Dialog";
import { bytes } from "../../ui/format";
import "../../forms/forms.css";

export default function AttachDisks({ params, onClose }: DialogProps): ReactElement {
  const path = params["path"] ?? "";
  const all = useRows("/disks?max=500&follow=vms").data;
  const mine = new Set((useRows(path).data ?? []).map((one) => text(one, "disk.id") || one.id));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [boot, setBoot] = useState("");
  const [faults, setFaults] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const taken = (disk: Row): boolean => ((disk["vms"] as { vm?: Row[] } | undefined)?.vm ?? []).length > 0;
  const free = (all ?? []).filter((disk) => !mine.has(disk.id) && text(disk, "status") === "ok" && (!taken(disk) || text(disk, "shareable") === "true") && text(disk, "content_type") !== "iso");
  const attach = async (): Promise<void> => {
    if (busy || chosen.size === 0) return;
    setBusy(true);
    const refused: string[] = [];
    for (const id of chosen) {
      try {
        // oxlint-disable-next-line no-await-in-loop
        await post(path, { disk: { id }, interface: "virtio_scsi", bootable: String(boot === id), active: "true" });
      } catch (error) {
        refused.push(...sentencesOf(error).map((one) => `${free.find((disk) => disk.id === id)?.name}: ${one}`));
      }
    }
    setBusy(false);
    outdated(path);
    if (refused.length === 0) onClose();
    else setFaults(refused);
  };
  return (
    <Dialog
      title="Attach Virtual Disks"
      width={720}
      changed={chosen.size > 0}
      onClose={onClose}
      onSubmit={() => void attach()}
      what={chosen.size === 0 ? "Choose at least one disk." : `${chosen.size} chosen`}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-busy={busy}>
            OK
          </button>
        </>
      }
    >
      <FaultBox sentences={faults} />
      {all && free.length === 0 && <p className="ov-muted">No disk is free.</p>}
      {free.length > 0 && (
        <table className="ov-form-list" aria-label="Disks">
          <thead>
            <tr>
              <th />
              <th>Alias</th>
              <th>Description</th>
              <th className="end">Virtual Size</th>
              <th>Bootable</th>
            </tr>
          </thead>
          <tbody>
            {free.map((disk) => (
              <tr key={disk.id}>
                <td>
                  <input
                    type="checkbox"
                    className="ov-check"
                    aria-label={`Select ${disk.name}`}
                    checked={chosen.has(disk.id)}
                    onChange={() => setChosen((now) => (now.has(disk.id) ? new Set([...now].filter((id) => id !== disk.id)) : new Set([...now, disk.id])))}
                  />
                </td>
                <td>
                  <b>{disk.name}</b>
                </td>
                <td>{text(disk, "description")}</td>
                <td className="end">{bytes(number(disk, "provisioned_size"))}</td>
                <td>
                  <input type="radio" name="boot" aria-label={`Boot from ${disk.name}`} checked={boot === disk.id} disabled={!chosen.has(disk.id)} onChange={() => setBoot(disk.id)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Dialog>
  );
}
