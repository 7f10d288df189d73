/** Configure > Instance Types, MAC Address Pools, System Permissions: small lists whose items have dialogs' forms. */
import { type ReactElement, useState } from "react";
import { type Row, at, items, post, put, remove, text, truth } from "../api/client";
import { sentencesOf } from "../api/fault";
import { names, useNames } from "../data/names";
import { outdated, useRows } from "../data/queries";
import { openDialog } from "../dialogs/registry";
import { FieldRow } from "../forms/Field";
import { type Field, type Values, documentOf, placeFaults, valuesOf, wrong } from "../forms/fields";
import { askFirst } from "../shell/acting";
import { FaultBox } from "../ui/Dialog";
import { Items } from "./Items";

interface Spec {
  label: string;
  one: string;
  path: string;
  fields: Field[];
  defaults: Values;
  locked?: (row: Row) => boolean;
  /** Values that no path says. */
  unsent?: (row: Row) => Values;
  finish?: (document: Record<string, unknown>, values: Values) => void;
}

export function Small({ spec, onTitle }: { spec: Spec; onTitle: (title: string | undefined) => void }): ReactElement {
  const rows = useRows(spec.path).data ?? [];
  const [chosen, setChosen] = useState("");
  const [values, setValues] = useState<Values>();
  const [faults, setFaults] = useState<Record<string, string>>({});
  const row = chosen === "new" ? undefined : rows.find((one) => one.id === chosen);
  const before: Values | undefined = row ? { ...valuesOf(spec.fields, row), ...spec.unsent?.(row) } : undefined;
  const now = values ?? before ?? spec.defaults;
  const choose = (id: string, title?: string): void => {
    setChosen(id);
    setValues(undefined);
    setFaults({});
    onTitle(title);
  };
  const save = async (): Promise<void> => {
    const found = Object.fromEntries(spec.fields.map((field) => [field.path, wrong(field, now)] as const).filter((pair): pair is [string, string] => pair[1] !== undefined));
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    try {
      const document = documentOf(spec.fields, now, before);
      spec.finish?.(document, now);
      await (row ? put(`${spec.path}/${row.id}`, document) : post(spec.path, document));
      outdated(spec.path);
      choose("");
    } catch (error) {
      setFaults(placeFaults(spec.fields, sentencesOf(error)));
    }
  };
  const gone = async (one: Row): Promise<void> => {
    try {
      await remove(`${spec.path}/${one.id}`);
      outdated(spec.path);
      choose("");
    } catch (error) {
      setFaults({ "": sentencesOf(error).join(" ") });
    }
  };
  return (
    <>
      <Items
        label={spec.label}
        rows={rows}
        chosen={chosen}
        onChoose={(id) => choose(id, `Edit ${spec.one}`)}
        {...(spec.locked ? { locked: spec.locked } : {})}
        tools={[
          { label: "New", run: () => choose("new", `New ${spec.one}`) },
          { label: "Remove", not: row ? undefined : "Choose one.", run: () => row && askFirst({ title: `Remove ${spec.one}`, text: `${row.name} is removed.`, verb: "Remove", danger: true, yes: () => void gone(row) }) },
        ]}
      />
      <div className="ov-detail">
        {chosen === "" ? (
          <p className="ov-blank">Choose one, or make a new one.</p>
        ) : (
          <>
            <div className="ov-policy">
              <FaultBox sentences={faults[""] ? [faults[""]] : []} />
              {spec.fields.map((field) => (
                <FieldRow key={field.path} field={field} values={now} row={row} fault={faults[field.path]} onChange={(path, value) => setValues({ ...now, [path]: value })} />
              ))}
            </div>
            <footer className="ov-dialog-foot inner">
              <div className="what" />
              <button type="button" className="ov-button" onClick={() => choose("")}>
                Cancel
              </button>
              <button type="button" className="ov-button primary" onClick={() => void save()}>
                OK
              </button>
            </footer>
          </>
        )}
      </div>
    </>
  );
}

const RANGES = /^([0-9a-f]{2}:){5}[0-9a-f]{2}-([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
export const MAC_POOLS: Spec = {
  label: "MAC Address Pools",
  one: "MAC Address Pool",
  path: "/macpools",
  defaults: { "~ranges": "" },
  locked: (row) => truth(row, "default_pool"),
  unsent: (row) => ({
    "~ranges": items(row, "ranges")
      .map((range) => `${text(range, "from")}-${text(range, "to")}`)
      .join("\n"),
  }),
  fields: [
    { path: "name", label: "Name", kind: "text", required: true, limit: 40, says: /\bname\b/i },
    { path: "description", label: "Description", kind: "text" },
    { path: "allow_duplicates", label: "Allow Duplicates", kind: "check" },
    {
      path: "~ranges",
      label: "MAC Address Ranges",
      kind: "area",
      required: true,
      help: "One range a line: 56:6f:00:00:00:00-56:6f:00:00:00:ff",
      says: /range|MAC/i,
      check: (value) => {
        const bad = value.split("\n").filter((line) => line.trim() && !RANGES.test(line.trim()));
        return bad.length > 0 ? `"${bad[0]}" is no range of MAC addresses.` : undefined;
      },
    },
  ],
  finish: (document, values) => {
    document["ranges"] = {
      range: (values["~ranges"] ?? "")
        .split("\n")
        .filter((line) => line.trim())
        .map((line) => ({ from: line.trim().split("-")[0], to: line.trim().split("-")[1] })),
    };
  },
};
const TOPOLOGY = ["cpu.topology.sockets", "cpu.topology.cores", "cpu.topology.threads"];
export const INSTANCE_TYPES: Spec = {
  label: "Instance Types",
  one: "Instance Type",
  path: "/instancetypes",
  defaults: { memory: "1 GiB", "cpu.topology.sockets": "1", "cpu.topology.cores": "1", "cpu.topology.threads": "1", "memory_policy.ballooning": "true" },
  fields: [
    { path: "name", label: "Name", kind: "text", required: true, limit: 40, says: /\bname\b/i },
    { path: "description", label: "Description", kind: "text" },
    { path: "memory", label: "Memory Size", kind: "bytes", required: true, with: ["memory_policy.guaranteed"] },
    { path: "memory_policy.guaranteed", label: "Physical Memory Guaranteed", kind: "bytes" },
    ...TOPOLOGY.map((path, index): Field => ({ path, label: ["Virtual Sockets", "Cores per Virtual Socket", "Threads per Core"][index] ?? "", kind: "number", least: 1, required: true, with: TOPOLOGY })),
    { path: "memory_policy.ballooning", label: "Memory Balloon Device Enabled", kind: "check" },
    { path: "high_availability.enabled", label: "Highly Available", kind: "check" },
    { path: "io.threads", label: "Num Of IO Threads", kind: "number", least: 0, most: 127 },
  ],
};

export function SystemPermissions(): ReactElement {
  const rows = useRows("/permissions").data ?? [];
  const [faults, setFaults] = useState<string[]>([]);
  useNames();
  const gone = async (row: Row): Promise<void> => {
    try {
      await remove(`/permissions/${row.id}`);
      outdated("/permissions");
    } catch (error) {
      setFaults(sentencesOf(error));
    }
  };
  return (
    <div className="ov-detail">
      <div className="ov-policy">
        <FaultBox sentences={faults} />
        <div>
          <button type="button" className="ov-button outline" onClick={() => openDialog("permission-add", undefined, undefined, { path: "/permissions" })}>
            Add
          </button>
        </div>
        <table className="ov-form-list" aria-label="System Permissions">
          <thead>
            <tr>
              <th>User</th>
              <th>Role</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{at(row, "user.id") ? names.of("users", text(row, "user.id")) : names.of("groups", text(row, "group.id")) || "Everyone"}</td>
                <td>{names.of("roles", text(row, "role.id"))}</td>
                <td className="end">
                  <button type="button" className="ov-button" onClick={() => askFirst({ title: "Remove Permission", text: "The permission on the whole system is taken away.", verb: "Remove", danger: true, yes: () => void gone(row) })}>
                    Remove
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
