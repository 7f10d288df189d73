/** Alerts, events and tasks on a narrow screen, where there is no foot. */
import { type ReactElement, useState } from "react";
import { AlertsPane, EventsPane, TasksPane } from "../shell/Drawer";
import { Dialog } from "../ui/Dialog";
import type { DialogProps } from "./registry";

const PANES = { Alerts: AlertsPane, Events: EventsPane, Tasks: TasksPane };
type Name = keyof typeof PANES;

export default function Messages({ onClose }: DialogProps): ReactElement {
  const [name, setName] = useState<Name>("Events");
  const Pane = PANES[name];
  return (
    <Dialog title="Messages" width={720} onClose={onClose}>
      <div className="ov-subtabs" role="tablist" aria-label="Messages">
        {(Object.keys(PANES) as Name[]).map((other) => (
          <button key={other} type="button" role="tab" aria-selected={other === name} onClick={() => setName(other)}>
            {other}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-label={name}>
        <Pane />
      </div>
    </Dialog>
  );
}
