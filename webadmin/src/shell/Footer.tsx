/** The foot: last message, and the drawer with alerts, events and tasks. */
import { type KeyboardEvent, type PointerEvent, type ReactElement, useEffect, useRef, useState } from "react";
import { useOption } from "../data/options";
import { useLink } from "../live/stream";
import { Icon } from "../ui/Icon";
import { StateIcon } from "../ui/StateIcon";
import { exactWithZone, time } from "../ui/format";
import { useFeed } from "../data/feed";
import { severity } from "../data/severity";
import { AlertsPane, EventsPane, TasksPane } from "./Drawer";

const TABS = ["Alerts", "Events", "Tasks"] as const;
type Tab = (typeof TABS)[number];

export function Footer(): ReactElement {
  const { last, alerts, running } = useFeed();
  const [tab, setTab] = useOption<Tab | "">("drawer", "");
  const [height, setHeight] = useOption<number>("drawer.height", 190);
  const was = useRef<Tab>("Tasks");
  if (tab) was.current = tab;
  useEffect(() => {
    const key = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== "`" || (event.target as Element).closest("input, textarea, select, dialog")) return;
      setTab(tab ? "" : was.current);
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });
  const counter = (name: Tab): ReactElement | null =>
    name === "Alerts" && alerts.length > 0 ? (
      <span className="ov-count red" data-number={alerts.length} />
    ) : name === "Tasks" && running > 0 ? (
      <span className="ov-count" data-number={running} />
    ) : null;
  const keys = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step || !tab) return;
    setTab(TABS[(TABS.indexOf(tab) + step + 3) % 3] ?? "Tasks");
  };
  const drag = (event: PointerEvent<HTMLElement>): void => {
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (to) => setHeight(Math.max(104, Math.min(innerHeight / 2, innerHeight - to.clientY)));
    handle.onpointerup = () => {
      handle.onpointermove = null;
    };
  };
  return (
    <footer className={`ov-footer${tab ? " open" : ""}`} style={tab ? { height } : undefined}>
      {tab && <i className="pull" aria-hidden onPointerDown={drag} />}
      <div className="bar">
        {!tab && last && (
          <p className="last" title={exactWithZone(last["time"])}>
            <StateIcon state={severity(last)} />
            <span className="ov-muted">{time(last["time"])}</span>
            <span className="text">{String(last["description"] ?? "")}</span>
          </p>
        )}
        {!tab && !last && <span className="last" />}
        <div role="tablist" aria-label="Messages" onKeyDown={keys}>
          {TABS.map((name) => (
            <button key={name} type="button" role="tab" aria-label={name} aria-selected={tab === name} onClick={() => setTab(tab === name ? "" : name)}>
              {name}
              {counter(name)}
            </button>
          ))}
        </div>
        {tab && <span className="space" />}
        <LinkState />
        {tab && (
          <button type="button" className="ov-button bare" aria-label="Close the drawer" onClick={() => setTab("")}>
            <Icon name="down" size={14} />
          </button>
        )}
      </div>
      {tab && (
        <div className="pane" role="tabpanel" aria-label={tab}>
          {tab === "Alerts" ? <AlertsPane /> : tab === "Events" ? <EventsPane /> : <TasksPane />}
        </div>
      )}
    </footer>
  );
}

function LinkState(): ReactElement {
  const link = useLink();
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(link.state !== "live"), link.state === "live" ? 0 : 1500);
    return () => clearTimeout(timer);
  }, [link]);
  const broken = link.state === "broken" && slow;
  return (
    <span className="link" role="status">
      <StateIcon silent state={broken ? { shape: "warning", tone: "amber", word: "" } : { shape: "ok", tone: link.state === "live" ? "green" : "grey", word: "" }} />
      {broken ? `Reconnecting, data from ${time(link.since)}` : link.state === "paused" ? "Paused" : link.state === "live" || !slow ? "Live" : "Connecting"}
    </span>
  );
}
