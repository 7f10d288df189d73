/** Manage Networks: which networks of the data center a cluster has, which its hosts need, and which one is for what. */
import { type ReactElement, useState } from "react";
import { type Row, items, post, put, remove, text, truth } from "../../api/client";
import { Fault, sentencesOf } from "../../api/fault";
import { outdated, useRow, useRows } from "../../data/queries";
import type { DialogProps } from "../../dialogs/registry";
import "../../forms/forms.css";
import { Dialog, FaultBox } from "../../ui/Dialog";

interface Use {
  attached: boolean;
  required: boolean;
}
/** Roles that one network of a cluster has. */
const ROLES = [
  { id: "display", label: "Display Network" },
  { id: "migration", label: "Migration Network" },
  { id: "default_route", label: "Default Route" },
] as const;
type Role = (typeof ROLES)[number]["id"];

const rolesOf = (row: Row | undefined): string[] => (items(row, "usages") as unknown as string[]).filter((one) => one !== "vm");

export default function ClusterNetworks({ rows, params, onClose }: DialogProps): ReactElement | null {
  const id = params["parent"] ?? rows[0]?.id ?? "";
  const cluster = useRow(`/clusters/${id}`).data;
  const mine = useRows(`/clusters/${id}/networks`).data;
  const all = useRows("/networks").data;
  const [uses, setUses] = useState<Record<string, Use>>({});
  const [chosen, setChosen] = useState<Partial<Record<Role, string>>>({});
  const [fault, setFault] = useState<{ sentences: string[]; id?: string | undefined }>({ sentences: [] });
  const [busy, setBusy] = useState(false);
  if (!cluster || !mine || !all) return null;
  const center = text(cluster, "data_center.id");
  const networks = all.filter((one) => text(one, "data_center.id") === center).toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
  const there = (network: string): Row | undefined => mine.find((one) => one.id === network);
  const before = (network: string): Use => ({ attached: there(network) !== undefined, required: truth(there(network), "required") });
  const asked = (network: string): Use => uses[network] ?? before(network);
  const holder = (role: Role): string | undefined => mine.find((one) => rolesOf(one).includes(role))?.id;
  const manager = mine.find((one) => rolesOf(one).includes("management"))?.id;
  /** Who has a role now; where its network leaves, the management network takes it. */
  const now = (role: Role): string | undefined => {
    const found = chosen[role] ?? holder(role);
    return found === undefined || asked(found).attached ? found : manager;
  };
  const set = (network: string, change: Partial<Use>): void => setUses({ ...uses, [network]: { ...asked(network), ...change } });
  const wanted = (network: string): string[] => [
    ...rolesOf(there(network)).filter((one) => !ROLES.some((role) => role.id === one)),
    ...ROLES.filter((role) => now(role.id) === network).map((role) => role.id),
  ];
  const differs = (network: string): boolean => asked(network).required !== before(network).required || wanted(network).toSorted().join() !== rolesOf(there(network)).toSorted().join();
  const attached = networks.filter(({ id: one }) => asked(one).attached && !before(one).attached);
  const changed = networks.filter(({ id: one }) => asked(one).attached && before(one).attached && differs(one));
  const detached = networks.filter(({ id: one }) => !asked(one).attached && before(one).attached);

  const submit = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setFault({ sentences: [] });
    const path = `/clusters/${id}/networks`;
    const document = (network: string): object => ({ required: String(asked(network).required), usages: { usage: wanted(network) } });
    const gains = (network: string): boolean => wanted(network).some((role) => !rolesOf(there(network)).includes(role));
    try {
      // A role leaves its network when another gets it, so those that get one come first and what leaves the cluster last.
      // oxlint-disable-next-line no-await-in-loop
      for (const one of attached) await post(path, { id: one.id, ...document(one.id) });
      // oxlint-disable-next-line no-await-in-loop
      for (const one of changed.toSorted((a, b) => Number(gains(b.id)) - Number(gains(a.id)))) await put(`${path}/${one.id}`, document(one.id));
      // oxlint-disable-next-line no-await-in-loop
      for (const one of detached) await remove(`${path}/${one.id}`);
      outdated(path);
      onClose();
    } catch (error) {
      setFault({ sentences: sentencesOf(error), id: error instanceof Fault ? error.correlationId : undefined });
      outdated(path);
    } finally {
      setBusy(false);
    }
  };
  const words = [
    ...attached.map((one) => `${one.name} is attached`),
    ...changed.flatMap((one) => {
      const parts = [
        ...(asked(one.id).required === before(one.id).required ? [] : [asked(one.id).required ? "is required" : "is not required"]),
        ...ROLES.filter((role) => now(role.id) === one.id && !rolesOf(there(one.id)).includes(role.id)).map((role) => `becomes ${role.label}`),
      ];
      return parts.length > 0 ? [`${one.name} ${parts.join(" and ")}`] : [];
    }),
    ...detached.map((one) => `${one.name} is detached`),
  ];
  return (
    <Dialog
      title="Manage Networks"
      width={1000}
      height={560}
      changed={words.length > 0}
      onClose={onClose}
      onSubmit={() => void submit()}
      what={words.length === 0 ? "No changes" : words.join("; ")}
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
        <FaultBox sentences={fault.sentences} id={fault.id} />
        <p className="ov-muted">A host without a required network becomes Non Operational. Each of the roles at the right belongs to one network of {cluster.name}.</p>
        <table className="ov-form-list" aria-label={`Networks of ${cluster.name}`}>
          <thead>
            <tr>
              <th>Name</th>
              <th>VLAN</th>
              <th>Assign</th>
              <th>Require</th>
              {ROLES.map((role) => (
                <th key={role.id}>{role.label}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {networks.map((network) => {
              const mineNow = asked(network.id);
              const manages = network.id === manager;
              return (
                <tr key={network.id}>
                  <td>
                    <b>{network.name}</b> {manages && <span className="ov-pill">Management</span>}
                  </td>
                  <td>{text(network, "vlan.id")}</td>
                  <td>
                    <input
                      type="checkbox"
                      className="ov-check"
                      aria-label={`Assign ${network.name}`}
                      title={manages ? `${network.name} is the management network; the cluster cannot be without it.` : undefined}
                      disabled={manages}
                      checked={mineNow.attached}
                      onChange={(event) => set(network.id, { attached: event.target.checked, ...(event.target.checked && !before(network.id).attached ? { required: true } : {}) })}
                    />
                  </td>
                  <td>
                    <input type="checkbox" className="ov-check" aria-label={`Require ${network.name}`} disabled={!mineNow.attached || manages} checked={mineNow.attached && mineNow.required} onChange={(event) => set(network.id, { required: event.target.checked })} />
                  </td>
                  {ROLES.map((role) => (
                    <td key={role.id}>
                      <input type="radio" style={{ accentColor: "var(--ov-accent)" }} name={role.id} aria-label={`${role.label}: ${network.name}`} disabled={!mineNow.attached} checked={now(role.id) === network.id} onChange={() => setChosen({ ...chosen, [role.id]: network.id })} />
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}
