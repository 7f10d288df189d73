/**
 * Setup Host Networks: which networks lie on which NICs and bonds of a host, by mouse, keyboard and menus.
 *
 * Does: collect changes, tell them in words, send them as one request. Does not: send anything before OK.
 */
import { type DragEvent, type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";
import { post, text } from "../../api/client";
import { Fault, sentencesOf } from "../../api/fault";
import { outdated, useRow, useRows } from "../../data/queries";
import type { DialogProps } from "../../dialogs/registry";
import { Dialog, FaultBox } from "../../ui/Dialog";
import { Icon, type IconName } from "../../ui/Icon";
import { type Entry, Menu } from "../../ui/Menu";
import { WiringEdit } from "./WiringEdit";
import "./wiring.css";
import { type Facts, type Net, type Nic, type Wiring, assign, bondOf, breakBond, devices, documentOf, edit, factsOf, faultsOf, freeNets, join, leave, managing, netsOn, outOfSync, refusesNet, refusesNic, toneOf, unassign, wordsOf } from "./wiring";

/** Targets that are no device: the list at the right, and outside of any bond. */
const UNASSIGNED = " unassigned";
const APART = " apart";
const ROLES: Readonly<Record<string, [IconName, string]>> = {
  management: ["gear", "Management"],
  display: ["console", "Display"],
  migration: ["migrate", "Migration"],
  default_route: ["globe", "Default route"],
};
const TONES = { green: "in use", amber: "out of sync", red: "required, not assigned", grey: "not assigned", violet: "external" };

export default function HostNetworks({ rows, params, onClose }: DialogProps): ReactElement | null {
  const id = params["parent"] ?? rows[0]?.id ?? "";
  const host = useRow(`/hosts/${id}`);
  const nics = useRows(`/hosts/${id}/nics?follow=network_labels`);
  const attachments = useRows(`/hosts/${id}/networkattachments`);
  const cluster = text(host.data, "cluster.id");
  const networks = useRows(cluster ? `/clusters/${cluster}/networks` : undefined);
  const all = useRows("/networks");
  const parts = [host, nics, attachments, networks, all];
  // What is asked anew while the dialog is open does not move what the user has put.
  const fresh = parts.every((part) => part.data !== undefined && (part.isFetchedAfterMount || !part.isFetching));
  const [facts, setFacts] = useState<Facts>();
  if (!facts && fresh && nics.data && attachments.data && networks.data && all.data) setFacts(factsOf(nics.data, attachments.data, networks.data, all.data));
  const failed = parts.find((part) => part.error)?.error;
  const name = host.data?.name ?? rows[0]?.name ?? "";
  if (facts) return <Wires id={id} name={name} facts={facts} onClose={onClose} />;
  return (
    <Dialog title={`Setup Host ${name} Networks`} width={1120} height={640} onClose={onClose}>
      {failed ? <FaultBox sentences={sentencesOf(failed)} /> : null}
    </Dialog>
  );
}

interface Thing {
  kind: "net" | "nic";
  key: string;
}

function Wires({ id, name, facts, onClose }: { id: string; name: string; facts: Facts; onClose: () => void }): ReactElement {
  const [wiring, setWiring] = useState<Wiring>(facts.before);
  const [lifted, setLifted] = useState<Thing>();
  const [dragged, setDragged] = useState<Thing>();
  const [aim, setAim] = useState<string>();
  const [editing, setEditing] = useState<string>();
  const [strict, setStrict] = useState(false);
  const [find, setFind] = useState("");
  const [said, setSaid] = useState("");
  const [menu, setMenu] = useState<{ label: string; entries: Entry[]; x: number; y: number }>();
  const [check, setCheck] = useState(true);
  const [limit, setLimit] = useState("120");
  const [save, setSave] = useState(true);
  const [fault, setFault] = useState<{ sentences: string[]; id?: string | undefined }>({ sentences: [] });
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const focus = useRef<string>(undefined);
  useEffect(() => {
    if (focus.current) box.current?.querySelector<HTMLElement>(`[data-thing="${CSS.escape(focus.current)}"]`)?.focus();
    focus.current = undefined;
  }, [wiring]);

  const list = devices(facts, wiring);
  const words = wordsOf(facts, wiring);
  const faults = strict ? faultsOf(facts, wiring) : [];
  const moving = dragged ?? lifted;
  const nameOf = ({ kind, key }: Thing): string => (kind === "net" ? (facts.nets.get(key)?.name ?? key) : key);
  const called = (target: string): string => (target === UNASSIGNED ? "Unassigned Networks" : target === APART ? "outside of its bond" : target);

  /** Why a thing cannot go there. */
  const refusal = ({ kind, key }: Thing, target: string): string | undefined => {
    if (kind === "nic") return target === APART ? undefined : target === UNASSIGNED ? "A NIC is no network." : refusesNic(facts, wiring, key, target);
    const net = facts.nets.get(key);
    if (!net || target === APART) return "A network lies on a NIC or a bond.";
    if (target === UNASSIGNED) return managing(net) && wiring.lies[key] ? `${net.name} is the management network; the host cannot be without it.` : undefined;
    return refusesNet(facts, wiring, net, target);
  };
  const go = (thing: Thing, target: string): void => {
    const why = refusal(thing, target);
    const { kind, key } = thing;
    setAim(undefined);
    setLifted(undefined);
    setDragged(undefined);
    if (why) return setSaid(why);
    focus.current = `${kind}:${key}`;
    setSaid(`${nameOf(thing)}: ${called(target)}.`);
    if (kind === "net") setWiring(target === UNASSIGNED ? unassign(wiring, key) : assign(wiring, key, target));
    else if (target === APART) setWiring(leave(wiring, key));
    else {
      const [next, bond] = join(wiring, key, target);
      setWiring(next);
      if (!wiring.bonds[target]) setEditing(`bond:${bond}`);
    }
  };
  const targetsOf = ({ kind, key }: Thing): string[] => (kind === "net" ? [...list, UNASSIGNED] : [...list.filter((one) => one !== key), ...(bondOf(wiring, key) ? [APART] : [])]);

  const keys = (event: KeyboardEvent, thing: Thing): void => {
    const mine = lifted?.kind === thing.kind && lifted.key === thing.key;
    const arrow = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
    if (event.key === " ") {
      event.preventDefault();
      if (!mine) {
        setLifted(thing);
        setAim(undefined);
        setSaid(`${nameOf(thing)} is lifted. Arrows choose where it goes, Space puts it there, Escape returns it.`);
      } else if (aim === undefined) {
        setLifted(undefined);
        setSaid(`${nameOf(thing)} stays where it was.`);
      } else go(thing, aim);
    } else if (event.key === "Escape" && mine) {
      event.preventDefault();
      event.stopPropagation();
      setLifted(undefined);
      setAim(undefined);
      setSaid(`${nameOf(thing)} stays where it was.`);
    } else if (arrow !== undefined) {
      event.preventDefault();
      if (mine) {
        const targets = targetsOf(thing);
        const at = aim === undefined ? (arrow > 0 ? 0 : targets.length - 1) : (targets.indexOf(aim) + arrow + targets.length) % targets.length;
        const next = targets[at] ?? "";
        setAim(next);
        setSaid(refusal(thing, next) ?? `${called(next)}, ${at + 1} of ${targets.length}.`);
      } else {
        const things = [...(box.current?.querySelectorAll<HTMLElement>("[data-thing]") ?? [])];
        things[things.indexOf(event.currentTarget as HTMLElement) + arrow]?.focus();
      }
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (thing.kind === "nic" || wiring.lies[thing.key]) setEditing(`${thing.kind}:${thing.key}`);
    } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      event.preventDefault();
      const edge = event.currentTarget.getBoundingClientRect();
      setMenu({ label: nameOf(thing), entries: entriesOf(thing), x: edge.left, y: edge.bottom });
    }
  };
  const choice = (thing: Thing, target: string, label: string): Entry => {
    const why = refusal(thing, target);
    return { label, disabled: why !== undefined, reason: why, onSelect: () => go(thing, target) };
  };
  const entriesOf = (thing: Thing): Entry[] => {
    const { kind, key } = thing;
    const lie = wiring.lies[key];
    const net = facts.nets.get(key);
    if (kind === "nic")
      return [
        { label: "Edit", icon: "pencil", onSelect: () => setEditing(`nic:${key}`) },
        ...targetsOf(thing).map((target) => choice(thing, target, target === APART ? `Take out of ${bondOf(wiring, key)}` : wiring.bonds[target] ? `Add to ${target}` : `Bond with ${target}`)),
      ];
    return [
      ...(lie ? [{ label: "Edit", icon: "pencil" as const, onSelect: () => setEditing(`net:${key}`) }] : []),
      ...(lie && net && outOfSync(facts, net) ? [{ label: "Sync", checked: lie.sync, onSelect: () => setWiring(edit(wiring, key, { sync: !lie.sync })) }] : []),
      ...list.filter((one) => one !== lie?.nic).map((target) => choice(thing, target, lie ? `Move to ${target}` : `Assign to ${target}`)),
      ...(lie ? [choice(thing, UNASSIGNED, "Unassign")] : []),
    ];
  };

  const submit = async (): Promise<void> => {
    if (busy) return;
    setStrict(true);
    const [first] = faultsOf(facts, wiring);
    if (first) return setEditing(first.at);
    if (check && !(Number.isInteger(Number(limit)) && Number(limit) >= 1 && Number(limit) <= 3600)) return setFault({ sentences: ["The time to verify the connection is 1 to 3600 seconds."] });
    if (words.length === 0) return onClose();
    setFault({ sentences: [] });
    setBusy(true);
    try {
      await post(`/hosts/${id}/setupnetworks`, { check_connectivity: String(check), ...(check ? { connectivity_timeout: limit } : {}), commit_on_success: String(save), ...documentOf(facts, wiring) });
      outdated(`/hosts/${id}`);
      onClose();
    } catch (error) {
      setFault({ sentences: sentencesOf(error), id: error instanceof Fault ? error.correlationId : undefined });
    } finally {
      setBusy(false);
    }
  };

  /** What makes an element a place where things may be dropped. */
  const droppable = (target: string) => ({
    onDragOver: (event: DragEvent) => {
      if (!dragged || (dragged.kind === "nic" && target === UNASSIGNED)) return;
      event.stopPropagation();
      if (!refusal(dragged, target)) event.preventDefault();
      if (aim !== target) {
        setAim(target);
        setSaid(refusal(dragged, target) ?? `${called(target)}.`);
      }
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      event.stopPropagation();
      if (dragged) go(dragged, target);
    },
  });
  const marks = (target: string): string => {
    const why = moving && refusal(moving, target);
    return `${moving && !why ? " target" : ""}${aim === target ? " aim" : ""}${aim === target && why ? " refused" : ""}`;
  };
  const card = (thing: Thing, className: string, label: string, inner: ReactElement, tools?: ReactElement): ReactElement => {
    const mine = moving?.kind === thing.kind && moving.key === thing.key;
    return (
      <div
        key={`${thing.kind}:${thing.key}`}
        className={`ov-wire-item ${className}${mine ? " faded" : ""}`}
        role="listitem"
        draggable
        onDragStart={(event) => {
          event.stopPropagation();
          event.dataTransfer.setData("text/plain", nameOf(thing));
          event.dataTransfer.effectAllowed = "move";
          // Changing what is dragged while it is lifted would end the drag at once.
          setTimeout(() => setDragged(thing));
        }}
        onDragEnd={() => {
          setDragged(undefined);
          setAim(undefined);
        }}
        onContextMenu={(event) => {
          event.preventDefault();
          setMenu({ label: nameOf(thing), entries: entriesOf(thing), x: event.clientX, y: event.clientY });
        }}
      >
        <span role="button" tabIndex={0} data-thing={`${thing.kind}:${thing.key}`} aria-label={nameOf(thing)} title={label} aria-pressed={lifted?.kind === thing.kind && lifted.key === thing.key} onKeyDown={(event) => keys(event, thing)} onDoubleClick={() => (thing.kind === "nic" || wiring.lies[thing.key]) && setEditing(`${thing.kind}:${thing.key}`)}>
          {inner}
        </span>
        {tools}
        <button
          type="button"
          className="ov-button bare"
          aria-label={`Menu of ${nameOf(thing)}`}
          onClick={(event) => {
            const edge = event.currentTarget.getBoundingClientRect();
            setMenu({ label: nameOf(thing), entries: entriesOf(thing), x: edge.left, y: edge.bottom });
          }}
        >
          <Icon name="kebab" size={13} />
        </button>
      </div>
    );
  };
  const netCard = (net: Net): ReactElement => {
    const tone = toneOf(facts, wiring, net);
    return card(
      { kind: "net", key: net.id },
      `net ${tone}`,
      [TONES[tone], ...net.roles.filter((role) => ROLES[role]).map((role) => ROLES[role]?.[1] ?? role)].join(", "),
      <>
        <span className="grip" aria-hidden="true">
          ⠿
        </span>
        <b>{net.name}</b>
        <span className="end">
          {net.vlan && `VLAN ${net.vlan}`}
          {net.roles.map((role) => ROLES[role] && <Icon key={role} name={ROLES[role][0]} size={14} label={ROLES[role][1]} />)}
        </span>
      </>,
      wiring.lies[net.id] ? (
        <button type="button" className="ov-button bare" aria-label={`Edit ${net.name}`} onClick={() => setEditing(`net:${net.id}`)}>
          <Icon name="pencil" size={13} />
        </button>
      ) : undefined,
    );
  };
  const labels = (device: string): ReactElement[] =>
    (wiring.labels[device] ?? []).filter(Boolean).map((label) => (
      <span key={label} className="ov-pill">
        <Icon name="tag" size={11} /> {label}
      </span>
    ));
  const nicCard = (nic: Nic): ReactElement =>
    card(
      { kind: "nic", key: nic.name },
      "device",
      nic.up ? "up" : "no link",
      <>
        <span className={nic.up ? "ov-wire-link up" : "ov-wire-link"}>
          <Icon name="network" />
        </span>
        <b>{nic.name}</b>
        <span className="ov-muted">{nic.up ? speedOf(nic.speed) : "no link"}</span>
        <span className="end">{labels(nic.name)}</span>
      </>,
      <button type="button" className="ov-button bare" aria-label={`Edit ${nic.name}`} onClick={() => setEditing(`nic:${nic.name}`)}>
        <Icon name="pencil" size={13} />
      </button>,
    );
  const device = (one: string): ReactElement => {
    const bond = wiring.bonds[one];
    const slaves = facts.nics.filter((nic) => (bond ? bond.slaves.includes(nic.name) : nic.name === one));
    if (!bond)
      return (
        <div className="ov-wire-device" role="list">
          {slaves.map(nicCard)}
        </div>
      );
    return (
      <section className="ov-wire-bond ov-wire-device" aria-label={one}>
        <header>
          <Icon name="link" />
          <b>{one}</b>
          <span className="ov-muted">
            mode {bond.mode}, {slaves.length} × {speedOf(slaves[0]?.speed ?? 0)}
          </span>
          <span className="end">{labels(one)}</span>
          <button type="button" className="ov-button bare" aria-label={`Edit ${one}`} onClick={() => setEditing(`bond:${one}`)}>
            <Icon name="pencil" size={13} />
          </button>
          <button
            type="button"
            className="ov-button bare"
            aria-label={`Break ${one}`}
            title={`Break ${one}`}
            onClick={() => {
              setWiring(breakBond(wiring, one));
              setSaid(`${one} is broken; its networks are on ${bond.slaves[0]}.`);
            }}
          >
            <Icon name="close" size={13} />
          </button>
        </header>
        <div className="ov-wire-list" role="list">
          {slaves.map(nicCard)}
        </div>
      </section>
    );
  };
  const free = freeNets(facts, wiring).filter((net) => net.name.toLowerCase().includes(find.toLowerCase()));
  const groups: [string, Net[]][] = [
    ["Required", free.filter((net) => net.required && !net.external)],
    ["Not required", free.filter((net) => !net.required && !net.external)],
    ["External", free.filter((net) => net.external)],
  ];
  const stale = [...facts.nets.values()].filter((net) => wiring.lies[net.id] && !wiring.lies[net.id]?.sync && outOfSync(facts, net));
  return (
    <Dialog
      title={`Setup Host ${name} Networks`}
      width={1120}
      height={680}
      changed={words.length > 0}
      onClose={onClose}
      onSubmit={() => void submit()}
      what={
        <div className="ov-wire-foot">
          <div>
            <label>
              <input type="checkbox" className="ov-check" checked={check} onChange={(event) => setCheck(event.target.checked)} />
              Verify the connection between host and engine
            </label>
            {check && (
              <label>
                rolls back after <input className="ov-input" inputMode="numeric" aria-label="Seconds until it rolls back" value={limit} onChange={(event) => setLimit(event.target.value)} /> s
              </label>
            )}
            <label>
              <input type="checkbox" className="ov-check" checked={save} onChange={(event) => setSave(event.target.checked)} />
              Save network configuration
            </label>
          </div>
          <div role="status" aria-label="Pending changes">
            <span>
              <b>{words.length === 0 ? "No changes" : `${words.length} ${words.length === 1 ? "change" : "changes"}:`}</b> {words.join("; ")}
            </span>
            {faults.length > 0 && <span className="ov-field-fault">{faults.length === 1 ? "1 thing to correct" : `${faults.length} things to correct`}</span>}
          </div>
        </div>
      }
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-busy={busy}>
            {busy ? "Setting up…" : "OK"}
          </button>
        </>
      }
    >
      <div className="ov-wiring" ref={box}>
        <main {...(dragged?.kind === "nic" && bondOf(wiring, dragged.key) ? droppable(APART) : {})}>
          <FaultBox sentences={[...fault.sentences, ...faults.map((one) => one.says)]} id={fault.id} />
          <div className="ov-wire-heads">
            <h3>Interfaces</h3>
            <h3>Assigned Logical Networks</h3>
          </div>
          {list.map((one) => {
            const nets = netsOn(facts, wiring, one);
            const why = aim === one && moving ? refusal(moving, one) : undefined;
            return (
              <div key={one} className={`ov-wire${marks(one)}`} {...droppable(one)} data-device={one}>
                {device(one)}
                <div className="ov-wire-nets" role={nets.length > 0 ? "list" : "group"} aria-label={`Networks of ${one}`}>
                  {nets.map(netCard)}
                  {why ? <p className="why">{why}</p> : nets.length === 0 && <p>nothing assigned</p>}
                </div>
              </div>
            );
          })}
          {moving?.kind === "nic" && bondOf(wiring, moving.key) && <div className={`ov-wire-apart${aim === APART ? " aim" : ""}`}>Here {moving.key} leaves {bondOf(wiring, moving.key)}</div>}
          {stale.map((net) => (
            <p key={net.id} className="ov-wire-warn">
              <Icon name="alert" />
              <span>
                {outOfSync(facts, net)}{" "}
                <button type="button" className="ov-link" aria-label={`Sync ${net.name}`} onClick={() => setWiring(edit(wiring, net.id, { sync: true }))}>
                  Sync
                </button>
              </span>
            </p>
          ))}
        </main>
        <aside className={editing ? "" : marks(UNASSIGNED)} {...droppable(UNASSIGNED)}>
          {editing && (
            <WiringEdit
              facts={facts}
              wiring={wiring}
              what={editing}
              strict={strict}
              onChange={(next, what) => {
                setWiring(next);
                if (what) setEditing(what);
              }}
              onDone={() => setEditing(undefined)}
            />
          )}
          <div hidden={editing !== undefined && exists(wiring, editing)}>
            <h3>Unassigned Networks</h3>
            <input className="ov-input" type="search" placeholder="Find a network" aria-label="Find a network" value={find} onChange={(event) => setFind(event.target.value)} />
            {groups.map(
              ([group, nets]) =>
                nets.length > 0 && (
                  <div key={group}>
                    <h4>
                      {group} <span className="ov-muted">{nets.length}</span>
                    </h4>
                    <div className="ov-wire-list" role="list" aria-label={`${group} networks`}>
                      {nets.map(netCard)}
                    </div>
                  </div>
                ),
            )}
            {free.length === 0 && <p className="ov-muted">{find ? `No network is called ${find}.` : "All networks are assigned."}</p>}
          </div>
        </aside>
        <p className="ov-hidden" role="status" aria-live="assertive">
          {said}
        </p>
      </div>
      {menu && <Menu label={`Menu of ${menu.label}`} entries={menu.entries} anchor={{ left: menu.x, right: menu.x, top: menu.y, bottom: menu.y }} align="point" onClose={() => setMenu(undefined)} />}
    </Dialog>
  );
}

/** Whether what is being edited is still there. */
function exists(wiring: Wiring, what: string): boolean {
  const key = what.slice(what.indexOf(":") + 1);
  return what.startsWith("net:") ? wiring.lies[key] !== undefined : what.startsWith("bond:") ? wiring.bonds[key] !== undefined : true;
}

const speedOf = (speed: number): string => (speed >= 1e9 ? `${speed / 1e9} Gbit/s` : speed > 0 ? `${speed / 1e6} Mbit/s` : "speed unknown");
