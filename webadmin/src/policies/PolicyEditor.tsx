/**
 * New and Edit Scheduling Policy: units by drag and drop, by keyboard and by menu; factors, balancer, properties.
 *
 * Does: keep all changes until OK, which sends one document. Does not: change a locked policy (it is shown as it is).
 */
import { type KeyboardEvent, type ReactElement, useMemo, useState } from "react";
import { type Row, post, put, truth } from "../api/client";
import { Fault, sentencesOf } from "../api/fault";
import { outdated, useRows } from "../data/queries";
import { FaultBox } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { type Entry, Menu } from "../ui/Menu";
import "../forms/forms.css";
import { type Pane, type Policy, type Unit, documentOf, factor, faultsOf, move, offered, policyOf, position, unitOf } from "./model";
import "./policies.css";

interface Props {
  row: Row | undefined;
  /** What a copy begins with. */
  copyOf?: Row | undefined;
  onDone: () => void;
  onUnits: () => void;
}

export function PolicyEditor(props: Props): ReactElement | null {
  const from = props.row ?? props.copyOf;
  const units = useRows("/schedulingpolicyunits").data;
  const filters = useRows(from ? `/schedulingpolicies/${from.id}/filters` : undefined).data;
  const weights = useRows(from ? `/schedulingpolicies/${from.id}/weights` : undefined).data;
  const balances = useRows(from ? `/schedulingpolicies/${from.id}/balances` : undefined).data;
  if (!units || (from && (!filters || !weights || !balances))) return null;
  const known = units.map(unitOf);
  const read = policyOf(from, { filters: filters ?? [], weights: weights ?? [], balances: balances ?? [] }, known);
  const begun: Policy = props.row ? read : { ...read, name: props.copyOf ? `Copy_of_${read.name}` : "" };
  return <Editor key={from?.id ?? "new"} {...props} units={known} begun={begun} />;
}

const LABELS: Record<Pane, string> = { filters: "Enabled Filters", noFilters: "Disabled Filters", weights: "Enabled Weights and Factors", noWeights: "Disabled Weights" };
const OTHER: Record<Pane, Pane> = { filters: "noFilters", noFilters: "filters", weights: "noWeights", noWeights: "weights" };

function Editor({ row, units, begun, onDone, onUnits }: Props & { units: Unit[]; begun: Policy }): ReactElement {
  const [policy, setPolicy] = useState(begun);
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [general, setGeneral] = useState<{ sentences: string[]; id?: string | undefined }>({ sentences: [] });
  const [busy, setBusy] = useState(false);
  const [lifted, setLifted] = useState<{ id: string; from: Policy }>();
  const [dragged, setDragged] = useState<string>();
  const [said, setSaid] = useState("");
  const [menu, setMenu] = useState<{ entries: Entry[]; x: number; y: number }>();
  const clusters = useRows("/clusters").data ?? [];
  const locked = row !== undefined && truth(row, "locked");
  const by = useMemo(() => new Map(units.map((unit) => [unit.id, unit])), [units]);
  const known = offered(policy, units);
  const users = clusters.filter((cluster) => (cluster["scheduling_policy"] as Row | undefined)?.id === row?.id);
  const off = (kind: Unit["kind"], on: readonly string[]): string[] =>
    units
      .filter((unit) => unit.kind === kind && !on.includes(unit.id))
      .toSorted((a, b) => Number(b.external) - Number(a.external) || a.name.localeCompare(b.name))
      .map((unit) => unit.id);
  const weightIds = policy.weights.map((one) => one.id);
  const panes: Record<Pane, string[]> = { filters: policy.filters, noFilters: off("filter", policy.filters), weights: weightIds, noWeights: off("weight", weightIds) };

  const drop = (id: string, pane: Pane, before?: string): void => {
    const unit = by.get(id);
    if (!unit || (unit.kind === "filter") !== pane.toLowerCase().includes("filter")) return setSaid(`${unit?.name ?? "This"} does not belong into ${LABELS[pane]}.`);
    setPolicy((now) => move(now, id, pane, before));
    setSaid(`${unit.name} is in ${LABELS[pane]}.`);
  };
  const keys = (event: KeyboardEvent, id: string, pane: Pane): void => {
    const list = panes[pane];
    const at = list.indexOf(id);
    const name = by.get(id)?.name ?? "";
    if (event.key === " ") {
      event.preventDefault();
      if (lifted?.id === id) {
        setLifted(undefined);
        setSaid(`${name} is put down, ${at + 1} of ${list.length} in ${LABELS[pane]}.`);
      } else {
        setLifted({ id, from: policy });
        setSaid(`${name} is lifted. Arrows move it, Space puts it down, Escape returns it.`);
      }
    } else if (lifted?.id === id && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setPolicy(lifted.from);
      setLifted(undefined);
      setSaid(`${name} is back.`);
    } else if (lifted?.id === id && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      const wanted = event.key === "ArrowLeft" ? (pane.includes("ilters") ? "filters" : "weights") : pane.includes("ilters") ? "noFilters" : "noWeights";
      if (wanted !== pane) drop(id, wanted);
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const up = event.key === "ArrowUp";
      if (lifted?.id === id && (pane === "filters" || pane === "weights")) {
        const before = up ? list[at - 1] : list[at + 2];
        if (up ? at > 0 : at < list.length - 1) {
          setPolicy((now) => move(now, id, pane, before));
          setSaid(`${name}, ${up ? at : at + 2} of ${list.length}.`);
        }
      } else {
        const next = list[at + (up ? -1 : 1)];
        if (next) event.currentTarget.parentElement?.querySelector<HTMLElement>(`[data-unit="${next}"]`)?.focus();
      }
    }
  };
  const entries = (id: string, pane: Pane): Entry[] => {
    const to = OTHER[pane];
    const enabled = pane === "filters" || pane === "weights";
    const list = panes[pane];
    const at = list.indexOf(id);
    return [
      { label: enabled ? "Disable" : "Enable", onSelect: () => drop(id, to) },
      ...(pane === "filters"
        ? [
            { label: "Make first", onSelect: () => setPolicy((now) => position(now, id, -1)) },
            { label: "Make last", onSelect: () => setPolicy((now) => position(now, id, 1)) },
            ...(policy.first === id || policy.last === id ? [{ label: "No position", onSelect: () => setPolicy((now) => position(now, id, 0)) }] : []),
          ]
        : []),
      ...(enabled && at > 0 ? [{ label: "Move up", onSelect: () => drop(id, pane, list[at - 1]) }] : []),
      ...(enabled && at < list.length - 1 ? [{ label: "Move down", onSelect: () => drop(id, pane, list[at + 2]) }] : []),
    ];
  };

  const submit = async (): Promise<void> => {
    if (busy || locked) return;
    const found = faultsOf(policy, units);
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      const document = documentOf(policy, units);
      await (row ? put(`/schedulingpolicies/${row.id}`, document) : post("/schedulingpolicies", document));
      outdated("/schedulingpolicies");
      onDone();
    } catch (error) {
      const sentences = sentencesOf(error);
      const own: Record<string, string> = {};
      const rest = sentences.filter((sentence) => {
        const name = /\bname\b/i.test(sentence) ? "name" : [...known.keys()].find((one) => sentence.includes(one));
        if (name) own[name] = sentence;
        return !name;
      });
      setFaults(own);
      setGeneral({ sentences: rest, id: error instanceof Fault ? error.correlationId : undefined });
    } finally {
      setBusy(false);
    }
  };

  const pane = (which: Pane): ReactElement => (
    <div
      className={`ov-pane${dragged && (by.get(dragged)?.kind === "filter") === which.toLowerCase().includes("filter") ? " target" : ""}`}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const id = event.dataTransfer.getData("text/plain");
        const before = (event.target as Element).closest<HTMLElement>("[data-unit]")?.dataset["unit"];
        if (!locked) drop(id, which, before === id ? undefined : before);
        setDragged(undefined);
      }}
    >
      <h4>
        {LABELS[which]} <span className="ov-muted">{panes[which].length}</span>
      </h4>
      <ul role="listbox" aria-label={LABELS[which]}>
        {panes[which].map((id, index) => {
          const unit = by.get(id);
          const weight = which === "weights" ? policy.weights.find((one) => one.id === id) : undefined;
          return (
            <li
              key={id}
              role="option"
              aria-selected={lifted?.id === id}
              aria-label={`${unit?.external ? "(EXT) " : ""}${unit?.name ?? id}`}
              data-unit={id}
              className={`ov-unit${lifted?.id === id ? " lifted" : ""}${dragged === id ? " faded" : ""}${unit && !unit.enabled ? " off" : ""}`}
              tabIndex={index === 0 || lifted?.id === id ? 0 : -1}
              draggable={!locked}
              title={unit?.description}
              onDragStart={(event) => {
                event.dataTransfer.setData("text/plain", id);
                event.dataTransfer.effectAllowed = "move";
                setDragged(id);
              }}
              onDragEnd={() => setDragged(undefined)}
              onKeyDown={(event) => !locked && keys(event, id, which)}
              onDoubleClick={() => !locked && drop(id, OTHER[which])}
              onContextMenu={(event) => {
                event.preventDefault();
                if (!locked) setMenu({ entries: entries(id, which), x: event.clientX, y: event.clientY });
              }}
            >
              <span className="grip" aria-hidden="true">
                ⠿
              </span>
              {unit?.external && <span className="ov-ext">(EXT)</span>}
              <span className="name">{unit?.name ?? id}</span>
              {unit && !unit.enabled && <span className="ov-muted">unit disabled</span>}
              {which === "filters" && policy.first === id && <span className="ov-pill">First</span>}
              {which === "filters" && policy.last === id && <span className="ov-pill">Last</span>}
              {weight && (
                <span className="ov-factor" role="group" aria-label={`Factor of ${unit?.name ?? id}`}>
                  <button type="button" aria-label={`Decrease factor of ${unit?.name ?? id}`} disabled={locked || weight.factor <= 1} onClick={() => setPolicy((now) => factor(now, id, -1))}>
                    −
                  </button>
                  <output aria-label="Factor">{weight.factor}</output>
                  <button type="button" aria-label={`Increase factor of ${unit?.name ?? id}`} disabled={locked} onClick={() => setPolicy((now) => factor(now, id, 1))}>
                    +
                  </button>
                </span>
              )}
              {!locked && (
                <button
                  type="button"
                  className="ov-button bare"
                  aria-label={`Menu of ${unit?.name ?? id}`}
                  tabIndex={-1}
                  onClick={(event) => {
                    const box = event.currentTarget.getBoundingClientRect();
                    setMenu({ entries: entries(id, which), x: box.left, y: box.bottom });
                  }}
                >
                  <Icon name="kebab" size={13} />
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );

  const free = [...known.keys()].filter((name) => policy.properties[name] === undefined);
  const shown = Object.keys(policy.properties).filter((name) => known.has(name));
  const setProperty = (name: string, value: string | undefined): void => {
    const rest = Object.fromEntries(Object.entries(policy.properties).filter(([one]) => one !== name));
    setPolicy({ ...policy, properties: value === undefined ? rest : { ...policy.properties, [name]: value } });
  };
  return (
    <>
      <div className="ov-policy">
        <FaultBox sentences={general.sentences} id={general.id} />
        {locked && <p className="ov-muted">Built-in policies are locked. Copy one to change it.</p>}
        <div className="ov-policy-names">
          <label className="ov-field above">
            <span>
              Name <span className="ov-field-must">*</span>
            </span>
            <span>
              <input className="ov-input" data-first value={policy.name} disabled={locked} aria-invalid={faults["name"] ? true : undefined} onChange={(event) => setPolicy({ ...policy, name: event.target.value })} />
              {faults["name"] && <span className="ov-field-fault">{faults["name"]}</span>}
            </span>
          </label>
          <label className="ov-field above">
            <span>Description</span>
            <input className="ov-input" value={policy.description} disabled={locked} onChange={(event) => setPolicy({ ...policy, description: event.target.value })} />
          </label>
        </div>
        <header className="ov-line">
          <h3>Filter Modules</h3>
          <span className="ov-muted">
            Hosts that fail one are out. Drag, or <kbd>Space</kbd> and arrows.
          </span>
          <button type="button" className="ov-link end" onClick={onUnits}>
            Manage Policy Units
          </button>
        </header>
        <div className="ov-panes">
          {pane("filters")}
          {pane("noFilters")}
        </div>
        <header className="ov-line">
          <h3>Weight Modules</h3>
          <span className="ov-muted">Points times factor, the lowest sum wins.</span>
        </header>
        <div className="ov-panes">
          {pane("weights")}
          {pane("noWeights")}
        </div>
        <div className="ov-panes">
          <label className="ov-field above">
            <span>Load Balancer</span>
            <select className="ov-input" value={policy.balance} disabled={locked} onChange={(event) => setPolicy({ ...policy, balance: event.target.value })}>
              <option value="">None</option>
              {units
                .filter((unit) => unit.kind === "load_balancing")
                .map((unit) => (
                  <option key={unit.id} value={unit.id} disabled={!unit.enabled}>
                    {unit.external ? "(EXT) " : ""}
                    {unit.name}
                  </option>
                ))}
            </select>
          </label>
          <section aria-label="Properties">
            <h3>Properties</h3>
            {shown.map((name) => (
              <div key={name} className="ov-property">
                <label htmlFor={`property-${name}`}>{name}</label>
                <input id={`property-${name}`} className="ov-input ov-short" disabled={locked} value={policy.properties[name] ?? ""} aria-invalid={faults[name] ? true : undefined} onChange={(event) => setProperty(name, event.target.value)} />
                {!locked && (
                  <button type="button" className="ov-button bare" aria-label={`Remove property ${name}`} onClick={() => setProperty(name, undefined)}>
                    <Icon name="close" size={13} />
                  </button>
                )}
                {faults[name] && <p className="ov-field-fault">{faults[name]}</p>}
              </div>
            ))}
            {!locked && free.length > 0 && (
              <select className="ov-input" aria-label="Add a property" value="" onChange={(event) => event.target.value && setProperty(event.target.value, "")}>
                <option value="">Add a property…</option>
                {free.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            )}
            {shown.length + free.length === 0 && <p className="ov-muted">The chosen units know no properties.</p>}
          </section>
        </div>
        <p className="ov-hidden" role="status" aria-live="assertive">
          {said}
        </p>
      </div>
      <footer className="ov-dialog-foot inner">
        <div className="what">
          {row && users.length > 0 ? `Used by ${users.map((one) => one.name).join(" and ")}. A change counts from the next decision on.` : ""}
          {Object.keys(faults).length > 0 && <span className="ov-field-fault"> {Object.keys(faults).length === 1 ? "1 field to correct" : `${Object.keys(faults).length} fields to correct`}</span>}
        </div>
        {!locked && (
          <button type="button" className="ov-button" onClick={() => setPolicy(begun)}>
            Reset
          </button>
        )}
        <button type="button" className="ov-button" onClick={onDone}>
          Cancel
        </button>
        {!locked && (
          <button type="button" className="ov-button primary" aria-busy={busy} onClick={() => void submit()}>
            OK
          </button>
        )}
      </footer>
      {menu && <Menu label="Unit" entries={menu.entries} anchor={{ left: menu.x, right: menu.x, top: menu.y, bottom: menu.y }} align="point" onClose={() => setMenu(undefined)} />}
    </>
  );
}
