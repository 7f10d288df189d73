/** New Network Interface, Edit Network Interface; of a VM, a template or an instance type. */
import type { ReactElement } from "react";
import { text, truth } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { names, useNames } from "../../data/names";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";

export default function NicEdit({ rows, params, onClose }: DialogProps): ReactElement {
  const nic = rows[0];
  const profiles = useRows("/vnicprofiles").data ?? [];
  useNames();
  const path = params["path"] ?? "";
  return (
    <FormDialog
      title={nic ? "Edit Network Interface" : "New Network Interface"}
      row={nic}
      path={nic ? `${path}/${nic.id}` : path}
      defaults={{ name: "nic1", interface: "virtio", linked: "true", plugged: "true", "vnic_profile.id": profiles[0]?.id ?? "" }}
      tabs={[
        {
          id: "main",
          label: "Network Interface",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 50 },
                { path: "vnic_profile.id", label: "Profile", kind: "choice", none: "Empty", choices: profiles.map((one) => ({ value: one.id, label: one.name ?? "", note: names.of("networks", text(one, "network.id")) })) },
                { path: "interface", label: "Type", kind: "choice", choices: ["virtio", "e1000", "e1000e", "rtl8139", "pci_passthrough"].map((value) => ({ value, label: value })), fixed: (_, row) => (row && truth(row, "plugged") && params["running"] === "true" ? "Unplug it first." : undefined) },
                { path: "mac.address", label: "Custom MAC address", kind: "mono", placeholder: "from the MAC pool", says: /\bMAC\b/ },
                { path: "linked", label: "Link state up", kind: "check" },
                { path: "plugged", label: "Plugged", kind: "check" },
              ],
            },
          ],
        },
      ]}
      onClose={onClose}
    />
  );
}
