import type { ReactElement } from "react";
import { useOption } from "../data/options";
import { Dialog } from "../ui/Dialog";
import type { DialogProps } from "./registry";

const KEYS: [string, string][] = [
  ["/", "Search"],
  ["g, then v h c d s n t k u e", "VMs, hosts, clusters, data centers, storage, networks, templates, disks, users, events"],
  ["Ctrl+K", "Commands: places, and what can be done to what is chosen"],
  ["t", "The system tree"],
  ["[ and ]", "Sub-tab before and after"],
  ["`", "The drawer with alerts, events and tasks"],
  ["Arrows, Space, Shift, Ctrl+A", "In a list: move, choose, choose a range, choose all that match"],
  ["Enter", "Open the object as a page"],
  ["Shift+F10", "The menu of what is chosen"],
  ["Esc", "Choose nothing, close"],
  ["?", "This list"],
];

export default function Keyboard({ onClose }: DialogProps): ReactElement {
  const [off, setOff] = useOption<boolean>("keys.off", false);
  return (
    <Dialog title="Keyboard" width={560} onClose={onClose}>
      <dl className="ov-keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label className="ov-line">
        <input type="checkbox" className="ov-check" checked={off} onChange={() => setOff(!off)} /> Single keys do nothing
      </label>
    </Dialog>
  );
}
