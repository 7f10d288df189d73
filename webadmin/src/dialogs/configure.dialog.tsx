/** Configure: roles, system permissions, scheduling policies, instance types, MAC address pools. */
import { type ReactElement, useState } from "react";
import { INSTANCE_TYPES, MAC_POOLS, Small, SystemPermissions } from "../configure/Small";
import { Policies } from "../configure/Policies";
import { Roles } from "../configure/Roles";
import { Dialog } from "../ui/Dialog";
import "../forms/forms.css";
import "../policies/policies.css";
import type { DialogProps } from "./registry";

const PANES = ["Roles", "System Permissions", "Scheduling Policies", "Instance Types", "MAC Address Pools"] as const;
type Name = (typeof PANES)[number];

export default function Configure({ params, onClose }: DialogProps): ReactElement {
  const [pane, setPane] = useState<Name>(PANES.find((one) => one === params["pane"]) ?? "Roles");
  const [title, setTitle] = useState<string>();
  return (
    <Dialog title={title ?? "Configure"} width={1280} height={830} onClose={onClose} head={title && <span className="ov-muted">Configure › {pane}</span>}>
      <div className={`ov-configure${pane === "System Permissions" ? " wide" : ""}`}>
        <nav role="tablist" aria-orientation="vertical" aria-label="Configure">
          {PANES.map((one) => (
            <button key={one} type="button" role="tab" aria-selected={pane === one} onClick={() => (setPane(one), setTitle(undefined))}>
              {one}
            </button>
          ))}
        </nav>
        {pane === "Roles" && <Roles onTitle={setTitle} />}
        {pane === "System Permissions" && <SystemPermissions />}
        {pane === "Scheduling Policies" && <Policies onTitle={setTitle} />}
        {pane === "Instance Types" && <Small key={pane} spec={INSTANCE_TYPES} onTitle={setTitle} />}
        {pane === "MAC Address Pools" && <Small key={pane} spec={MAC_POOLS} onTitle={setTitle} />}
      </div>
    </Dialog>
  );
}
