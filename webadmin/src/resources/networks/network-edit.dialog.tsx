/** New Logical Network, Edit Logical Network; clusters that have it. */
import { type ReactElement, useState } from "react";
import { type Row, items, post, put, remove, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRow, useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";
import { FormSection } from "../../forms/Field";

interface Use {
  attached: boolean;
  required: boolean;
}

export default function NetworkEdit({ rows, params, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const row = useRow(given ? `/networks/${given.id}` : undefined).data;
  const centers = useRows("/datacenters").data;
  const clusters = useRows("/clusters?follow=networks").data;
  const [uses, setUses] = useState<Record<string, Use>>({});
  const [center, setCenter] = useState(params["parent"] ?? "");
  if (!centers || !clusters || (given && !row)) return null;
  const centerId = row ? text(row, "data_center.id") : center || (centers[0]?.id ?? "");
  const before = (cluster: Row): Use => {
    const found = row && items(cluster, "networks").find((one) => one.id === row.id);
    return row ? { attached: found !== undefined, required: text(found, "required") === "true" } : { attached: true, required: true };
  };
  const mine = (clusters ?? []).filter((one) => text(one, "data_center.id") === centerId);
  const after = async (made: Row): Promise<void> => {
    for (const cluster of mine) {
      const was = row ? before(cluster) : { attached: false, required: false };
      const wanted = uses[cluster.id] ?? before(cluster);
      const path = `/clusters/${cluster.id}/networks`;
      // oxlint-disable-next-line no-await-in-loop
      if (wanted.attached && !was.attached) await post(path, { id: made.id, required: String(wanted.required) });
      // oxlint-disable-next-line no-await-in-loop
      else if (!wanted.attached && was.attached) await remove(`${path}/${made.id}`);
      // oxlint-disable-next-line no-await-in-loop
      else if (wanted.attached && wanted.required !== was.required) await put(`${path}/${made.id}`, { required: String(wanted.required) });
    }
  };
  const usages = items(row, "usages.usage").length > 0 ? (items(row, "usages.usage") as unknown as string[]) : row ? [] : ["vm"];
  return (
    <FormDialog
      title={row ? "Edit Logical Network" : "New Logical Network"}
      row={row}
      path={row ? `/networks/${row.id}` : "/networks"}
      defaults={{ "data_center.id": centerId, "~vm": String(usages.includes("vm")), "~mtu": text(row, "mtu") === "0" ? "" : text(row, "mtu") }}
      tabs={[
        {
          id: "general",
          label: "General",
          sections: [
            {
              fields: [
                { path: "data_center.id", label: "Data Center", kind: "choice", required: true, choices: named(centers), fixed: (_, network) => (network ? "A network stays in its data center." : undefined), fills: (value) => (setCenter(value), {}) },
                { path: "name", label: "Name", kind: "text", required: true, limit: 256, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
              ],
            },
            {
              title: "Network Parameters",
              fields: [
                { path: "vlan.id", label: "VLAN tag", kind: "number", least: 0, most: 4094, says: /vlan/i },
                { path: "~vm", label: "VM network", kind: "check" },
                { path: "~mtu", label: "MTU", kind: "number", least: 68, most: 65521, help: "Empty: the default of 1500.", says: /\bMTU\b/ },
                { path: "port_isolation", label: "Port Isolation", kind: "check", when: (values) => !row && values["~vm"] === "true" },
                { path: "vdsm_name", label: "Name on hosts", kind: "text", when: () => row !== undefined, fixed: () => "Given by the engine." },
              ],
            },
          ],
        },
        { id: "cluster", label: "Cluster", sections: [] },
      ]}
      extra={{
        cluster: (
          <FormSection title="Attach/Detach Network to/from Cluster(s)">
            <table className="ov-form-list" aria-label="Clusters">
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Attach</th>
                  <th>Require</th>
                </tr>
              </thead>
              <tbody>
                {mine.map((cluster) => {
                  const use = uses[cluster.id] ?? before(cluster);
                  const set = (change: Partial<Use>): void => setUses({ ...uses, [cluster.id]: { ...use, ...change } });
                  return (
                    <tr key={cluster.id}>
                      <td>
                        <b>{cluster.name}</b>
                      </td>
                      <td>
                        <input type="checkbox" className="ov-check" aria-label={`Attach to ${cluster.name}`} checked={use.attached} onChange={(event) => set({ attached: event.target.checked })} />
                      </td>
                      <td>
                        <input type="checkbox" className="ov-check" aria-label={`Required in ${cluster.name}`} checked={use.attached && use.required} disabled={!use.attached} onChange={(event) => set({ required: event.target.checked })} />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </FormSection>
        ),
      }}
      finish={(document, values) => {
        delete document["vdsm_name"];
        if (!row || values["~vm"] !== String(usages.includes("vm"))) document["usages"] = { usage: values["~vm"] === "true" ? ["vm", ...usages.filter((one) => one !== "vm")] : usages.filter((one) => one !== "vm") };
        if (values["~mtu"] && values["~mtu"] !== text(row, "mtu")) document["mtu"] = values["~mtu"];
        if (row && !values["~mtu"] && text(row, "mtu") !== "0" && text(row, "mtu") !== "") document["mtu"] = "0";
      }}
      after={after}
      touched={Object.keys(uses).length > 0}
      onClose={onClose}
    />
  );
}
