/** Configure > Scheduling Policies, and Manage Policy Units. */
import { type ReactElement, useState } from "react";
import { type Row, remove, text, truth } from "../api/client";
import { sentencesOf } from "../api/fault";
import { outdated, useRows } from "../data/queries";
import { PolicyEditor } from "../policies/PolicyEditor";
import { askFirst } from "../shell/acting";
import { FaultBox } from "../ui/Dialog";
import { counted } from "../ui/format";
import { Items } from "./Items";

type Doing = { kind: "view" } | { kind: "new" } | { kind: "copy"; of: Row } | { kind: "units" };

export function Policies({ onTitle }: { onTitle: (title: string | undefined) => void }): ReactElement {
  const rows = (useRows("/schedulingpolicies").data ?? []).toSorted((a, b) => Number(truth(b, "locked")) - Number(truth(a, "locked")) || (a.name ?? "").localeCompare(b.name ?? ""));
  const clusters = useRows("/clusters").data ?? [];
  const [chosen, setChosen] = useState("");
  const [doing, setDoing] = useState<Doing>({ kind: "view" });
  const [faults, setFaults] = useState<string[]>([]);
  const row = rows.find((one) => one.id === chosen);
  const go = (next: Doing, title?: string): void => {
    setDoing(next);
    setFaults([]);
    onTitle(title);
  };
  const gone = async (one: Row): Promise<void> => {
    try {
      await remove(`/schedulingpolicies/${one.id}`);
      outdated("/schedulingpolicies");
      setChosen("");
      go({ kind: "view" });
    } catch (error) {
      setFaults(sentencesOf(error));
    }
  };
  const none = row ? undefined : "Choose a policy.";
  return (
    <>
      <Items
        label="Scheduling Policies"
        rows={rows}
        chosen={doing.kind === "new" || doing.kind === "copy" ? "" : chosen}
        onChoose={(id) => {
          setChosen(id);
          go({ kind: "view" }, rows.some((one) => one.id === id && truth(one, "locked")) ? undefined : "Edit Scheduling Policy");
        }}
        locked={(one) => truth(one, "locked")}
        note={(one) => {
          const count = clusters.filter((cluster) => text(cluster, "scheduling_policy.id") === one.id).length;
          return count > 0 ? counted(count, "cluster", "clusters") : "";
        }}
        tools={[
          { label: "New", run: () => go({ kind: "new" }, "New Scheduling Policy") },
          { label: "Copy", not: none, run: () => row && go({ kind: "copy", of: row }, "Copy Scheduling Policy") },
          {
            label: "Remove",
            not: none ?? (row && truth(row, "locked") ? `${row.name} is built in.` : undefined),
            run: () => row && askFirst({ title: "Remove Scheduling Policy", text: `${row.name} is removed.`, verb: "Remove", danger: true, yes: () => void gone(row) }),
          },
        ]}
      />
      <div className="ov-detail">
        <FaultBox sentences={faults} />
        {doing.kind === "units" ? (
          <Units onDone={() => go({ kind: "view" })} />
        ) : doing.kind === "new" || doing.kind === "copy" ? (
          <PolicyEditor key={doing.kind === "copy" ? `copy of ${doing.of.id}` : "new"} row={undefined} copyOf={doing.kind === "copy" ? doing.of : undefined} onDone={() => go({ kind: "view" })} onUnits={() => go({ kind: "units" }, "Manage Policy Units")} />
        ) : row ? (
          <PolicyEditor key={row.id} row={row} onDone={() => setChosen("")} onUnits={() => go({ kind: "units" }, "Manage Policy Units")} />
        ) : (
          <p className="ov-blank">Choose a policy, or make a new one. Built-in policies are locked; copy one to change it.</p>
        )}
      </div>
    </>
  );
}

function Units({ onDone }: { onDone: () => void }): ReactElement {
  const units = useRows("/schedulingpolicyunits").data ?? [];
  const [faults, setFaults] = useState<string[]>([]);
  const gone = async (unit: Row): Promise<void> => {
    try {
      await remove(`/schedulingpolicyunits/${unit.id}`);
      outdated("/schedulingpolicyunits");
    } catch (error) {
      setFaults(sentencesOf(error));
    }
  };
  return (
    <div className="ov-policy">
      <FaultBox sentences={faults} />
      <button type="button" className="ov-link" onClick={onDone}>
        Back
      </button>
      <table className="ov-form-list" aria-label="Policy Units">
        <thead>
          <tr>
            <th>Name</th>
            <th>Type</th>
            <th>State</th>
            <th>Description</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {units.map((unit) => (
            <tr key={unit.id}>
              <td>
                {!truth(unit, "internal") && <span className="ov-ext">(EXT)</span>} <b>{unit.name}</b>
              </td>
              <td>{text(unit, "type").replace("_", " ") || "selector"}</td>
              <td>{truth(unit, "enabled") ? "Enabled" : "Disabled"}</td>
              <td className="ov-muted">{text(unit, "description")}</td>
              <td className="end">
                {!truth(unit, "internal") && (
                  <button type="button" className="ov-button" onClick={() => askFirst({ title: "Remove Policy Unit", text: `${unit.name} is forgotten until its file is found again.`, verb: "Remove", danger: true, yes: () => void gone(unit) })}>
                    Remove
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
