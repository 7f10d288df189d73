/** Snapshots of a VM: newest first, what runs now on top, the chain drawn at the left, and what differs from now. */
import { type ReactElement, useState, useSyncExternalStore } from "react";
import { type Row, number, post, remove, text, truth } from "../../api/client";
import { sentencesOf } from "../../api/fault";
import { permits } from "../../data/permits";
import { outdated, useRows } from "../../data/queries";
import { Toolbar } from "../../shell/Toolbar";
import { ago, bytes, counted, exact, exactWithZone, moment } from "../../ui/format";
import { Facts, type Fact } from "../../ui/Facts";
import { StateIcon, stateTable } from "../../ui/StateIcon";
import type { Action, Refusal, Resource } from "../declare";

const states = stateTable({ ok: ["green", "ok"], lock: ["grey", "locked"], eye: ["violet", "in_preview"], bad: ["red", "illegal"] });
const word = (row: Row): string => (text(row, "snapshot_status") === "ok" ? "OK" : states(text(row, "snapshot_status")).word);
const cores = (row: Row): number => ["sockets", "cores", "threads"].reduce((all, part) => all * (number(row, `cpu.topology.${part}`) ?? 1), 1);
const isActive = (row: Row): boolean => text(row, "snapshot_type") === "active";

function actionsOf(vm: Row, all: Row[]): Action[] {
  const down = text(vm, "status") === "down";
  const preview = all.some((row) => text(row, "snapshot_status") === "in_preview");
  const needDown = (verb: string): Refusal | undefined => (down ? undefined : { short: "VM not Down", long: `${vm.name} must be Down to ${verb}.` });
  const regular = (row: Row): Refusal | undefined => (isActive(row) ? { short: "runs now", long: "This is what runs now, not a snapshot." } : undefined);
  const noPreview: Refusal = { short: "no preview", long: "No snapshot is being previewed." };
  const changed = <T,>(answer: T): T => {
    outdated(`/vms/${vm.id}`);
    return answer;
  };
  const act = (name: string) => (row: Row) => post(`/vms/${vm.id}/${name}`, row.id ? { snapshot: { id: row.id } } : {}).then(changed);
  return [
    { id: "create", label: "Create", icon: "camera", group: "new", on: "none", permit: "manipulate_vm_snapshots", dialog: "vm-snapshot" },
    {
      id: "preview",
      label: "Preview",
      icon: "eye",
      group: "run",
      on: "one",
      refuse: (row) => regular(row) ?? needDown("preview a snapshot") ?? (preview ? { short: "previewing", long: "A snapshot is already being previewed: commit or undo it." } : undefined),
      run: act("previewsnapshot"),
    },
    { id: "commit", label: "Commit", icon: "check", group: "run", on: "one", refuse: () => (preview ? needDown("commit") : noPreview), run: () => post(`/vms/${vm.id}/commitsnapshot`).then(changed) },
    { id: "undo", label: "Undo", icon: "restart", group: "run", on: "one", refuse: () => (preview ? needDown("undo the preview") : noPreview), run: () => post(`/vms/${vm.id}/undosnapshot`).then(changed) },
    { id: "clone", label: "Clone", icon: "copy", group: "copy", on: "one", refuse: regular, dialog: "vm-clone-snapshot" },
    { id: "makeTemplate", label: "Make Template", icon: "template", group: "copy", on: "one", refuse: regular, dialog: "vm-make-template" },
    {
      id: "delete",
      label: "Delete",
      icon: "trash",
      group: "edit",
      on: "each",
      refuse: (row) => regular(row) ?? (text(row, "snapshot_status") === "ok" ? undefined : { short: word(row), long: `${text(row, "description")} is ${word(row)}.` }),
      confirm: { title: "Delete Snapshot", verb: "Delete", danger: true, question: (rows) => `${rows.map((row) => text(row, "description")).join(", ")} is deleted: what changed since is merged, and there is no way back to it.` },
      run: (row) => remove(`/vms/${vm.id}/snapshots/${row.id}`).then(changed),
      done: "being deleted",
    },
  ];
}

const RESOURCE: Resource = {
  place: "snapshots",
  entity: "VirtualMachineSnapshot",
  collection: "vms",
  label: "Snapshots",
  one: "snapshot",
  many: "snapshots",
  icon: "camera",
  prefix: "Snapshots",
  title: (row) => text(row, "description"),
  columns: [],
  actions: [],
  tabs: [],
};

export default function Snapshots({ row: vm }: { row: Row }): ReactElement {
  const { data, error } = useRows(`/vms/${vm.id}/snapshots`);
  const [chosen, setChosen] = useState<string>();
  useSyncExternalStore(permits.subscribe, permits.version);
  const all = (data ?? [])
    .filter((row) => text(row, "snapshot_type") !== "preview")
    .toSorted((a, b) => Number(isActive(b)) - Number(isActive(a)) || (moment(b["date"])?.getTime() ?? 0) - (moment(a["date"])?.getTime() ?? 0));
  const now = all.find(isActive);
  const current = all.find((row) => row.id === chosen);
  const rows = current ? [current] : [];
  const taken = all.filter((row) => !isActive(row)).length;
  return (
    <>
      <div className="ov-toolbar sub">
        <Toolbar resource={RESOURCE} rows={rows} actions={actionsOf(vm, all)} params={{ parent: vm.id, vm: vm.id }} />
        <span className="count">{counted(taken, "snapshot", "snapshots")}</span>
      </div>
      {error && <p className="ov-failed inline">{sentencesOf(error).join(" ")}</p>}
      <div className="ov-beside">
        <table className="ov-snapshots" aria-label="Snapshots">
          <thead>
            <tr>
              <th aria-label="Chain" />
              <th>Snapshot</th>
              <th>Created</th>
              <th>Memory</th>
              <th>Status</th>
            </tr>
          </thead>
          <tbody>
            {all.map((row, index) => {
              const active = isActive(row);
              const preview = text(row, "snapshot_status") === "in_preview";
              return (
                <tr
                  key={row.id}
                  aria-selected={row.id === chosen}
                  aria-label={text(row, "description")}
                  tabIndex={0}
                  onClick={() => setChosen(row.id)}
                  onKeyDown={(event) => (event.key === "Enter" || event.key === " ") && setChosen(row.id)}
                >
                  <td className={`chain${index === 0 ? " first" : ""}${index === all.length - 1 ? " last" : ""}`}>
                    <i className={active ? "now" : preview ? "side" : ""} />
                  </td>
                  <td>
                    <b>{text(row, "description")}</b>
                    <small>{active ? "what runs now" : ""}</small>
                  </td>
                  <td title={exactWithZone(row["date"])}>{active ? "now" : ago(row["date"])}</td>
                  <td>{active ? "" : truth(row, "persist_memorystate") ? "Yes" : "No"}</td>
                  <td>
                    <span className="with-sign">
                      <StateIcon silent state={states(text(row, "snapshot_status"))} />
                      {word(row)}
                    </span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {current && (
          <aside className="ov-side" aria-label={`Details of ${text(current, "description")}`}>
            <Side vm={vm} row={current} now={now} />
          </aside>
        )}
      </div>
    </>
  );
}

function Side({ vm, row, now }: { vm: Row; row: Row; now: Row | undefined }): ReactElement {
  const active = isActive(row);
  const disks = useRows(active ? `/vms/${vm.id}/diskattachments?follow=disk` : `/vms/${vm.id}/snapshots/${row.id}/disks`);
  const nics = useRows(active ? `/vms/${vm.id}/nics` : `/vms/${vm.id}/snapshots/${row.id}/nics`);
  const differs: string[] = [];
  const current = now ?? vm;
  if (!active && cores(row) !== cores(current)) differs.push(`CPU: ${cores(row)} then, ${cores(current)} now`);
  if (!active && number(row, "memory") !== number(current, "memory")) differs.push(`Memory: ${bytes(number(row, "memory"))} then, ${bytes(number(current, "memory"))} now`);
  const facts: Fact[] = [
    ["Created", active ? "" : exact(row["date"])],
    ["Hardware then", `${counted(cores(row), "vCPU", "vCPUs")}, ${bytes(number(row, "memory"))}`],
    ["Differs from now", differs.join("; ") || "No"],
    ["Snapshot ID", <span key="id" className="ov-mono">{row.id}</span>],
  ];
  return (
    <>
      <h3>{text(row, "description")}</h3>
      {!active && (
        <p className="ov-muted">
          {truth(row, "persist_memorystate") ? "With memory." : "Without memory."} Preview needs the VM to be Down.
        </p>
      )}
      <Facts columns={[active ? facts.filter(([label]) => label === "Hardware then") : facts]} />
      <h3>Disks</h3>
      <ul>
        {(disks.data ?? []).map((disk) => {
          const about = (disk["disk"] ?? disk) as Row;
          return (
            <li key={disk.id} className="pair">
              <span>{text(about, "alias") || text(about, "name")}</span>
              <span className="ov-muted">{bytes(number(about, "provisioned_size"))}</span>
              <span>{bytes(number(about, "actual_size"))}</span>
            </li>
          );
        })}
        {disks.data?.length === 0 && <li className="ov-muted">None.</li>}
      </ul>
      <h3>Network Interfaces</h3>
      <ul>
        {(nics.data ?? []).map((nic) => (
          <li key={nic.id} className="pair">
            <span>{nic.name}</span>
            <span className="ov-mono">{text(nic, "mac.address")}</span>
          </li>
        ))}
        {nics.data?.length === 0 && <li className="ov-muted">None.</li>}
      </ul>
    </>
  );
}
