/** Console Options: with what a VM's screen is shown; the choice is remembered. */
import { type ReactElement, useState } from "react";
import { text } from "../../api/client";
import { Fault, sentencesOf } from "../../api/fault";
import { saveViewerFile } from "../../console/files";
import { useOption } from "../../data/options";
import { useRow, useRows } from "../../data/queries";
import type { DialogProps } from "../../dialogs/registry";
import { FieldRow } from "../../forms/Field";
import { Dialog, FaultBox } from "../../ui/Dialog";

const RUNNING = new Set(["up", "powering_up", "paused", "powering_down", "reboot_in_progress", "migrating", "not_responding"]);

export default function ConsoleOptions({ rows, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const vm = useRow(given ? `/vms/${given.id}` : undefined).data ?? given;
  const consoles = useRows(given ? `/vms/${given.id}/graphicsconsoles` : undefined).data;
  const [way, setWay] = useOption<string>("console.way", "browser");
  const [wanted, setWanted] = useOption<string>("console.protocol", "");
  const [fault, setFault] = useState<{ sentences: string[]; id?: string | undefined }>({ sentences: [] });
  const [busy, setBusy] = useState(false);
  if (!vm || !consoles) return null;
  const protocols = consoles.map((one) => text(one, "protocol")).filter(Boolean);
  const protocol = protocols.includes(wanted) ? wanted : (protocols[0] ?? "");
  const why = protocols.length === 0 ? `${vm.name} has no graphics console.` : RUNNING.has(text(vm, "status")) ? undefined : `${vm.name} is not running; a console needs a running virtual machine.`;
  const open = async (): Promise<void> => {
    if (busy) return;
    if (why) return setFault({ sentences: [why] });
    if (way === "browser") {
      window.open(`#console;vm=${vm.id};name=${encodeURIComponent(vm.name ?? "")}`, `console-${vm.id}`, "width=1100,height=860");
      return onClose();
    }
    setBusy(true);
    try {
      await saveViewerFile(vm.id, vm.name ?? "console", [protocol]);
      onClose();
    } catch (error) {
      setFault({ sentences: sentencesOf(error), id: error instanceof Fault ? error.correlationId : undefined });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Console Options"
      width={560}
      onClose={onClose}
      onSubmit={() => void open()}
      what={why}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-disabled={why ? true : undefined} title={why} aria-busy={busy}>
            {way === "browser" ? "Open" : "Download"}
          </button>
        </>
      }
    >
      <div className="ov-form">
        <FaultBox sentences={fault.sentences} id={fault.id} />
        <FieldRow
          field={{
            path: "way",
            label: "Console Invocation",
            kind: "choice",
            choices: [
              { value: "browser", label: "noVNC", note: "in the browser" },
              { value: "native", label: "Native client", note: "a .vv file for Remote Viewer" },
            ],
            help: way === "browser" ? "A window of this browser; nothing needs to be installed." : "The file opens the console once, within two minutes.",
          }}
          values={{ way }}
          onChange={(_, value) => setWay(value)}
        />
        {way === "native" && protocols.length > 1 && (
          <FieldRow field={{ path: "protocol", label: "Protocol", kind: "choice", choices: protocols.map((one) => ({ value: one, label: one.toUpperCase() })) }} values={{ protocol }} onChange={(_, value) => setWanted(value)} />
        )}
      </div>
    </Dialog>
  );
}
