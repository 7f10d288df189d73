/** Add Users and Groups: found in a directory, given to the engine. */
import { type ReactElement, useState } from "react";
import { type Row, list, post, text } from "../../api/client";
import { sentencesOf } from "../../api/fault";
import type { DialogProps } from "../../dialogs/registry";
import { outdated, useRows } from "../../data/queries";
import { Dialog, FaultBox } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import "../../forms/forms.css";

/** Users or groups of a directory; shared with the dialogs that give permissions. */
export function FindPeople({ kind, onKind, chosen, onChoose }: { kind: "users" | "groups"; onKind?: ((kind: "users" | "groups") => void) | undefined; chosen: ReadonlySet<string>; onChoose: (person: Row) => void }): ReactElement {
  const domains = useRows("/domains").data ?? [];
  const [domain, setDomain] = useState("");
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<Row[]>();
  const [faults, setFaults] = useState<string[]>([]);
  const at = domain || (domains[0]?.id ?? "");
  const go = async (): Promise<void> => {
    try {
      setFaults([]);
      setFound(await list(`/domains/${at}/${kind}?search=${encodeURIComponent(query ? `name=${query}*` : "")}&max=100`));
    } catch (error) {
      setFaults(sentencesOf(error));
    }
  };
  return (
    <>
      <FaultBox sentences={faults} />
      <div className="ov-line">
        {onKind && (
          <span className="ov-toggle" role="group" aria-label="Kind">
            <button type="button" aria-pressed={kind === "users"} onClick={() => (setFound(undefined), onKind("users"))}>
              User
            </button>
            <button type="button" aria-pressed={kind === "groups"} onClick={() => (setFound(undefined), onKind("groups"))}>
              Group
            </button>
          </span>
        )}
        <select className="ov-input ov-short" aria-label="Directory" value={at} onChange={(event) => setDomain(event.target.value)}>
          {domains.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
        <input
          className="ov-input"
          aria-label="Name to find"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            void go();
          }}
        />
        <button type="button" className="ov-button outline" onClick={() => void go()}>
          <Icon name="search" /> Go
        </button>
      </div>
      {found && (
        <table className="ov-form-list" aria-label="Found">
          <tbody>
            {found.length === 0 && (
              <tr>
                <td>Nobody is called so.</td>
              </tr>
            )}
            {found.map((person) => (
              <tr key={person.id}>
                <td>
                  <label className="ov-field-check">
                    <input type="checkbox" className="ov-check" checked={chosen.has(person.id)} onChange={() => onChoose(person)} /> {text(person, "user_name") || person.name}
                  </label>
                </td>
                <td>{[text(person, "name"), text(person, "last_name")].filter(Boolean).join(" ")}</td>
                <td>{text(person, "email")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** The engine's own object of a directory's person; made when it is not there yet. */
export async function known(kind: "users" | "groups", person: Row): Promise<Row> {
  const domain = text(person, "domain.id") ? { domain: { id: text(person, "domain.id") } } : text(person, "domain.name") ? { domain: { name: text(person, "domain.name") } } : {};
  try {
    return await post<Row>(`/${kind}`, kind === "users" ? { user_name: text(person, "user_name") || person.name, principal: text(person, "principal") || undefined, ...domain } : { name: person.name, ...domain });
  } catch (error) {
    const same = (await list(`/${kind}`)).find((one) => (kind === "users" ? text(one, "user_name") === (text(person, "user_name") || person.name) : one.name === person.name));
    if (same) return same;
    throw error;
  }
}

export default function AddUsers({ onClose }: DialogProps): ReactElement {
  const [kind, setKind] = useState<"users" | "groups">("users");
  const [chosen, setChosen] = useState<ReadonlyMap<string, Row>>(new Map());
  const [faults, setFaults] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const add = async (): Promise<void> => {
    if (busy || chosen.size === 0) return;
    setBusy(true);
    const results = await Promise.allSettled([...chosen.values()].map((person) => known(kind, person)));
    setBusy(false);
    outdated(`/${kind}`);
    const refused = results.flatMap((one) => (one.status === "rejected" ? sentencesOf(one.reason) : []));
    if (refused.length === 0) onClose();
    else setFaults(refused);
  };
  return (
    <Dialog
      title="Add Users and Groups"
      changed={chosen.size > 0}
      onClose={onClose}
      onSubmit={() => void add()}
      what={chosen.size > 0 ? `${chosen.size} chosen` : "Find people in a directory and choose them."}
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
        <FindPeople
          kind={kind}
          onKind={(next) => (setChosen(new Map()), setKind(next))}
          chosen={new Set(chosen.keys())}
          onChoose={(person) => setChosen((now) => (now.has(person.id) ? new Map([...now].filter(([id]) => id !== person.id)) : new Map([...now, [person.id, person]])))}
        />
      </div>
    </Dialog>
  );
}
