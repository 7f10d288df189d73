/** Add Permission to User: a role on an object, for people of a directory, or for everyone. */
import { type ReactElement, useState } from "react";
import { type Row, list, post } from "../api/client";
import { sentencesOf } from "../api/fault";
import { outdated, useRows } from "../data/queries";
import { FieldRow } from "../forms/Field";
import { FindPeople, known } from "../resources/users/user-add.dialog";
import { Dialog, FaultBox } from "../ui/Dialog";
import type { DialogProps } from "./registry";

type Kind = "users" | "groups" | "everyone";

export default function AddPermission({ params, onClose }: DialogProps): ReactElement {
  const roles = useRows("/roles").data ?? [];
  const [kind, setKind] = useState<Kind>("users");
  const [chosen, setChosen] = useState<ReadonlyMap<string, Row>>(new Map());
  const [role, setRole] = useState("");
  const [faults, setFaults] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const path = params["path"] ?? "";
  const roleId = role || (roles.find((one) => one.name === "UserRole")?.id ?? roles[0]?.id ?? "");
  const give = async (): Promise<void> => {
    if (busy) return;
    if (kind !== "everyone" && chosen.size === 0) return setFaults(["Choose somebody first."]);
    setBusy(true);
    try {
      if (kind === "everyone") {
        const everyone = (await list("/groups")).find((one) => one.name === "Everyone");
        await post(path, { role: { id: roleId }, group: { id: everyone?.id ?? "" } });
      } else {
        for (const person of chosen.values()) {
          // oxlint-disable-next-line no-await-in-loop
          const own = await known(kind, person);
          // oxlint-disable-next-line no-await-in-loop
          await post(path, { role: { id: roleId }, [kind === "users" ? "user" : "group"]: { id: own.id } });
        }
      }
      outdated(path);
      onClose();
    } catch (error) {
      setFaults(sentencesOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Add Permission to User"
      changed={chosen.size > 0}
      onClose={onClose}
      onSubmit={() => void give()}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-busy={busy}>
            OK
          </button>
        </>
      }
    >
      <div className="ov-form">
        <FaultBox sentences={faults} />
        <span className="ov-toggle" role="group" aria-label="Who">
          {(["users", "groups", "everyone"] as const).map((one) => (
            <button key={one} type="button" aria-pressed={kind === one} onClick={() => (setKind(one), setChosen(new Map()))}>
              {{ users: "User", groups: "Group", everyone: "Everyone" }[one]}
            </button>
          ))}
        </span>
        {kind !== "everyone" && (
          <FindPeople key={kind} kind={kind} chosen={new Set(chosen.keys())} onChoose={(person) => setChosen((now) => (now.has(person.id) ? new Map([...now].filter(([id]) => id !== person.id)) : new Map([...now, [person.id, person]])))} />
        )}
        <FieldRow
          field={{ path: "role", label: "Role to Assign", kind: "choice", choices: roles.map((one) => ({ value: one.id, label: one.name ?? "", note: String(one["administrative"]) === "true" ? "administrator" : "user" })) }}
          values={{ role: roleId }}
          onChange={(_, value) => setRole(value)}
        />
      </div>
    </Dialog>
  );
}
