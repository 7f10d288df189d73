/** VM Interface Profile. */
import type { ReactElement } from "react";
import { text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";

export default function VnicProfileEdit({ rows, params, onClose }: DialogProps): ReactElement | null {
  const row = rows[0];
  const filters = useRows("/networkfilters").data ?? [];
  const networks = useRows("/networks").data;
  if (!networks) return null;
  return (
    <FormDialog
      title="VM Interface Profile"
      row={row}
      path={row ? `/vnicprofiles/${row.id}` : "/vnicprofiles"}
      defaults={{ "network.id": params["parent"] ?? "", "pass_through.mode": "disabled", "network_filter.id": filters.find((one) => one.name === "vdsm-no-mac-spoofing")?.id ?? "" }}
      tabs={[
        {
          id: "main",
          label: "Profile",
          sections: [
            {
              fields: [
                { path: "network.id", label: "Network", kind: "choice", required: true, choices: named(networks), fixed: () => (row || params["parent"] ? "Of this network." : undefined) },
                { path: "name", label: "Name", kind: "text", required: true, limit: 256, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "network_filter.id", label: "Network Filter", kind: "choice", none: "No Network Filter", choices: named(filters), fixed: (values) => (values["pass_through.mode"] === "enabled" ? "None with passthrough." : undefined) },
                { path: "pass_through.mode", label: "Passthrough", kind: "choice", choices: [{ value: "disabled", label: "No" }, { value: "enabled", label: "Yes" }] },
                { path: "migratable", label: "Migratable", kind: "check", when: (values) => values["pass_through.mode"] === "enabled" },
                { path: "port_mirroring", label: "Port Mirroring", kind: "check", when: (values) => values["pass_through.mode"] !== "enabled" },
              ],
            },
          ],
        },
      ]}
      finish={(document, values) => {
        if (!row && !text(document, "network_filter.id") && !values["network_filter.id"]) document["network_filter"] = {};
      }}
      onClose={onClose}
    />
  );
}
