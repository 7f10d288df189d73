/** New Affinity Group, Edit Affinity Group. */
import { type ReactElement, useState } from "react";
import { type Row, items } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRows } from "../../data/queries";
import { FormSection } from "../../forms/Field";
import { FormDialog } from "../../forms/FormDialog";
import type { Field } from "../../forms/fields";

function Members({ title, all, chosen, onChange }: { title: string; all: readonly Row[]; chosen: ReadonlySet<string>; onChange: (chosen: Set<string>) => void }): ReactElement {
  return (
    <FormSection title={title}>
      <div className="ov-members">
        {all.map((row) => (
          <label key={row.id} className="ov-field-check">
            <input type="checkbox" className="ov-check" checked={chosen.has(row.id)} onChange={() => onChange(chosen.has(row.id) ? new Set([...chosen].filter((id) => id !== row.id)) : new Set([...chosen, row.id]))} /> {row.name}
          </label>
        ))}
        {all.length === 0 && <span className="ov-muted">None in this cluster.</span>}
      </div>
    </FormSection>
  );
}

const rule = (path: string, what: string): Field[] => [
  { path: `${path}.enabled`, label: `${what} Affinity Rule`, kind: "choice", choices: [{ value: "false", label: "Disabled" }, { value: "true", label: "Enabled" }] },
  { path: `${path}.positive`, label: "Together or apart", kind: "choice", choices: [{ value: "true", label: "Positive: together" }, { value: "false", label: "Negative: apart" }], when: (values) => values[`${path}.enabled`] === "true", with: [`${path}.enabled`] },
  { path: `${path}.enforcing`, label: `${what} Enforcing (hard)`, kind: "check", when: (values) => values[`${path}.enabled`] === "true", with: [`${path}.enabled`] },
];

export default function AffinityGroupEdit({ rows, params, onClose }: DialogProps): ReactElement {
  const row = rows[0];
  const cluster = params["parent"] ?? "";
  const path = (params["path"] ?? `/clusters/${cluster}/affinitygroups`).replace(/\?.*/, "");
  const vms = (useRows("/vms?max=1000").data ?? []).filter((one) => (one["cluster"] as Row | undefined)?.id === cluster);
  const hosts = (useRows("/hosts").data ?? []).filter((one) => (one["cluster"] as Row | undefined)?.id === cluster);
  const [chosen, setChosen] = useState(() => ({ vms: new Set(items(row, "vms").map((one) => one.id)), hosts: new Set(items(row, "hosts").map((one) => one.id)) }));
  const [touched, setTouched] = useState(false);
  const change = (next: typeof chosen): void => {
    setChosen(next);
    setTouched(true);
  };
  const list = (ids: ReadonlySet<string>): { id: string }[] => [...ids].map((id) => ({ id }));
  return (
    <FormDialog
      title={row ? "Edit Affinity Group" : "New Affinity Group"}
      row={row}
      path={row ? `${path}/${row.id}` : path}
      defaults={{ priority: "1", "vms_rule.enabled": "true", "vms_rule.positive": "true", "vms_rule.enforcing": "false", "hosts_rule.enabled": "false" }}
      tabs={[
        {
          id: "main",
          label: "Affinity Group",
          sections: [
            {
              fields: [
                { path: "name", label: "Name", kind: "text", required: true, limit: 255, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "priority", label: "Priority", kind: "number", least: 0 },
                ...rule("vms_rule", "VM"),
                ...rule("hosts_rule", "Host"),
              ],
            },
          ],
        },
      ]}
      extra={{
        main: (
          <>
            <Members title="Virtual Machines" all={vms} chosen={chosen.vms} onChange={(ids) => change({ ...chosen, vms: ids })} />
            <Members title="Hosts" all={hosts} chosen={chosen.hosts} onChange={(ids) => change({ ...chosen, hosts: ids })} />
          </>
        ),
      }}
      finish={(document) => {
        if (!touched) return;
        document["vms"] = { vm: list(chosen.vms) };
        document["hosts"] = { host: list(chosen.hosts) };
      }}
      touched={touched}
      onClose={onClose}
    />
  );
}
