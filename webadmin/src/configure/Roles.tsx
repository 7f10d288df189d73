/** Configure > Roles: permits by what they are about; own roles are made, copied, changed, removed. */
import { type ReactElement, useState } from "react";
import { type Row, post, put, remove, text, truth } from "../api/client";
import { sentencesOf } from "../api/fault";
import { outdated, useRow, useRows } from "../data/queries";
import { askFirst } from "../shell/acting";
import { FaultBox } from "../ui/Dialog";
import { Items } from "./Items";

interface Draft {
  id: string;
  name: string;
  description: string;
  administrative: boolean;
  permits: ReadonlySet<string>;
}

export function Roles({ onTitle }: { onTitle: (title: string | undefined) => void }): ReactElement {
  const rows = useRows("/roles").data ?? [];
  const [chosen, setChosen] = useState("");
  const permits = useRows(chosen ? `/roles/${chosen}/permits` : undefined).data;
  const levels = useRows("/clusterlevels").data;
  const level = levels?.at(-1);
  const all = ((useRow(level ? `/clusterlevels/${level.id}` : undefined).data?.["permits"] as { permit?: Row[] } | undefined)?.permit ?? []).toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
  const [draft, setDraft] = useState<Draft>();
  const [faults, setFaults] = useState<string[]>([]);
  const row = rows.find((one) => one.id === chosen);
  const mutable = row !== undefined && text(row, "mutable") === "true";
  const shown: Draft | undefined = draft ?? (row && permits ? { id: row.id, name: row.name ?? "", description: text(row, "description"), administrative: truth(row, "administrative"), permits: new Set(permits.map((one) => one.id)) } : undefined);
  const fixed = !draft;
  const begin = (copy: boolean): void => {
    onTitle(copy ? "Copy Role" : "New Role");
    setFaults([]);
    setDraft({ id: "", name: copy && row ? `${row.name}_copy` : "", description: copy ? text(row, "description") : "", administrative: copy && row ? truth(row, "administrative") : false, permits: new Set(copy ? (permits ?? []).map((one) => one.id) : []) });
  };
  const save = async (): Promise<void> => {
    if (!draft) return;
    try {
      const list = { permit: [...draft.permits].map((id) => ({ id })) };
      if (draft.id) {
        await put(`/roles/${draft.id}`, { name: draft.name, description: draft.description });
        const had = new Set((permits ?? []).map((one) => one.id));
        // oxlint-disable-next-line no-await-in-loop
        for (const id of draft.permits) if (!had.has(id)) await post(`/roles/${draft.id}/permits`, { id });
        // oxlint-disable-next-line no-await-in-loop
        for (const id of had) if (!draft.permits.has(id)) await remove(`/roles/${draft.id}/permits/${id}`);
      } else {
        const made = await post<Row>("/roles", { name: draft.name, description: draft.description, administrative: String(draft.administrative), permits: list });
        setChosen(made.id);
      }
      outdated("/roles");
      setDraft(undefined);
      onTitle(undefined);
    } catch (error) {
      setFaults(sentencesOf(error));
    }
  };
  const gone = async (one: Row): Promise<void> => {
    try {
      await remove(`/roles/${one.id}`);
      outdated("/roles");
      setChosen("");
    } catch (error) {
      setFaults(sentencesOf(error));
    }
  };
  const none = row ? (mutable ? undefined : `${row.name} is built in; copy it.`) : "Choose a role.";
  return (
    <>
      <Items
        label="Roles"
        rows={rows}
        chosen={draft && !draft.id ? "" : chosen}
        onChoose={(id) => (setChosen(id), setDraft(undefined), setFaults([]), onTitle(undefined))}
        locked={(one) => text(one, "mutable") !== "true"}
        note={(one) => (truth(one, "administrative") ? "admin" : "user")}
        tools={[
          { label: "New", run: () => begin(false) },
          { label: "Edit", not: none, run: () => (shown && setDraft(shown), onTitle("Edit Role")) },
          { label: "Copy", not: row ? undefined : "Choose a role.", run: () => begin(true) },
          { label: "Remove", not: none, run: () => row && askFirst({ title: "Remove Role", text: `${row.name} is removed, with the permissions that name it.`, verb: "Remove", danger: true, yes: () => void gone(row) }) },
        ]}
      />
      <div className="ov-detail">
        {!shown ? (
          <p className="ov-blank">Choose a role to see its permits.</p>
        ) : (
          <>
            <div className="ov-policy">
              <FaultBox sentences={faults} />
              <div className="ov-policy-names">
                <label className="ov-field above">
                  <span>Name</span>
                  <input className="ov-input" value={shown.name} disabled={fixed} onChange={(event) => setDraft({ ...shown, name: event.target.value })} />
                </label>
                <label className="ov-field above">
                  <span>Description</span>
                  <input className="ov-input" value={shown.description} disabled={fixed} onChange={(event) => setDraft({ ...shown, description: event.target.value })} />
                </label>
              </div>
              <div className="ov-toggle" role="group" aria-label="Account type">
                {[false, true].map((admin) => (
                  <button key={String(admin)} type="button" aria-pressed={shown.administrative === admin} disabled={fixed || shown.id !== ""} onClick={() => setDraft({ ...shown, administrative: admin, permits: admin ? shown.permits : new Set([...shown.permits].filter((id) => !all.some((one) => one.id === id && truth(one, "administrative")))) })}>
                    {admin ? "Admin" : "User"}
                  </button>
                ))}
              </div>
              <fieldset className="ov-permits" disabled={fixed}>
                <legend>Check boxes to allow action</legend>
                {all
                  .filter((permit) => shown.administrative || !truth(permit, "administrative"))
                  .map((permit) => (
                    <label key={permit.id} className="ov-field-check">
                      <input
                        type="checkbox"
                        className="ov-check"
                        checked={shown.permits.has(permit.id)}
                        onChange={() => setDraft({ ...shown, permits: shown.permits.has(permit.id) ? new Set([...shown.permits].filter((id) => id !== permit.id)) : new Set([...shown.permits, permit.id]) })}
                      />
                      {(permit.name ?? "").replaceAll("_", " ")}
                    </label>
                  ))}
              </fieldset>
            </div>
            {draft && (
              <footer className="ov-dialog-foot inner">
                <div className="what">{draft.permits.size} permits</div>
                <button type="button" className="ov-button" onClick={() => (setDraft(undefined), onTitle(undefined))}>
                  Cancel
                </button>
                <button type="button" className="ov-button primary" onClick={() => void save()}>
                  OK
                </button>
              </footer>
            )}
          </>
        )}
      </div>
    </>
  );
}
