/** `#dashboard`: what there is, how much of it is used, what wants to be seen to. Every number leads to its list. */
import type { ReactElement } from "react";
import { sentencesOf } from "../api/fault";
import { byCollection } from "../resources";
import type { Resource } from "../resources/declare";
import { formatAddress } from "../router";
import { DASH, ago, bytes, count, exactWithZone, percent } from "../ui/format";
import { Icon, type IconName } from "../ui/Icon";
import { type StateOf, StateIcon, words } from "../ui/StateIcon";
import { Chart, Spark } from "./Chart";
import { type Alert, type Count, type Dashboard, type HostTile, type Top, type Use, useDashboard } from "./data";
import { byUrgency, share } from "./path";
import "./dashboard.css";

const CARDS: [collection: string, label: string, icon: IconName][] = [
  ["datacenters", "Data Centers", "dataCenter"],
  ["clusters", "Clusters", "cluster"],
  ["hosts", "Hosts", "host"],
  ["storagedomains", "Storage Domains", "storage"],
  ["vms", "Virtual Machines", "vm"],
  ["events", "Events, 24 h", "event"],
];
const SEVERITIES: Record<string, StateOf> = {
  alert: { shape: "bad", tone: "red", word: "Alert" },
  error: { shape: "bad", tone: "red", word: "Error" },
  warning: { shape: "warning", tone: "amber", word: "Warning" },
  normal: { shape: "info", tone: "grey", word: "Normal" },
};
const MOST_TILES = 24;

function stateOf(collection: string, status: string): StateOf {
  if (collection === "events") return SEVERITIES[status] ?? { shape: "info", tone: "grey", word: words(status) };
  return byCollection(collection)?.state?.({ id: "", status, external_status: "ok" }) ?? { shape: "none", tone: "grey", word: words(status) };
}
const pageOf = (resource: Resource | undefined, id: string): string | undefined =>
  resource && formatAddress({ place: resource.place, tab: resource.tabs[0]?.token, params: { id } });

export default function DashboardPage(): ReactElement {
  const { data, error, refetch } = useDashboard();
  if (!data)
    return (
      <div className="db-page" aria-busy={!error}>
        {error && (
          <div className="ov-failed" role="alert">
            <p>
              <b>The dashboard cannot be shown.</b> {sentencesOf(error).join(" ")}
            </p>
            <button type="button" className="ov-button outline" onClick={() => void refetch()}>
              Try again
            </button>
          </div>
        )}
      </div>
    );
  return (
    <div className="db-page">
      <h1 className="ov-hidden">Dashboard</h1>
      <section className="db-counts" aria-label="Inventory">
        {CARDS.map(([collection, label, icon]) => (
          <Inventory key={collection} collection={collection} label={label} icon={icon} found={data.inventory[collection]} />
        ))}
      </section>
      <section className="db-uses" aria-label="Utilisation">
        <Utilisation label="CPU" use={data.cpu} now={data.time} value={data.cpu.used ?? undefined} whole={`of ${count(data.cpu.total ?? 0)} cores`} promised={`${count(data.cpu.promised ?? 0)} vCPUs promised`} />
        <Utilisation label="Memory" use={data.memory} now={data.time} value={share(data.memory.used, data.memory.total)} whole={`of ${bytes(data.memory.total ?? undefined)}`} promised={`${bytes(data.memory.promised ?? undefined)} promised`} />
        <Utilisation label="Storage" use={data.storage} now={data.time} value={share(data.storage.used, data.storage.total)} whole={`of ${bytes(data.storage.total ?? undefined)}`} promised={`${bytes(data.storage.promised ?? undefined)} promised`} />
      </section>
      <section className="db-rest">
        <Alerts alerts={data.alerts} />
        <Busiest top={data.top} running={(data.inventory["vms"]?.states["up"] ?? 0) > 0} />
        <HostTiles hosts={data.hosts} total={data.inventory["hosts"]?.total ?? data.hosts.length} />
      </section>
    </div>
  );
}

function Inventory({ collection, label, icon, found }: { collection: string; label: string; icon: IconName; found: Count | undefined }): ReactElement {
  const resource = byCollection(collection);
  const place = resource?.place ?? collection;
  const field = collection === "events" ? "severity" : "status";
  return (
    <div className="db-card db-count" data-kind={collection}>
      <h2>
        <a href={formatAddress({ place, params: {} })}>
          <Icon name={icon} /> {label}
        </a>
      </h2>
      <p className="total">{found ? count(found.total) : DASH}</p>
      <ul>
        {byUrgency(found?.states ?? {})
          .slice(0, 5)
          .map(([status, number]) => {
            const state = stateOf(collection, status);
            return (
              <li key={status}>
                <a href={formatAddress({ place, params: { search: `${field} = ${status}` } })} title={`${count(number)} ${state.word}`} aria-label={`${count(number)} ${label} ${state.word}`}>
                  <StateIcon state={state} silent /> {count(number)}
                </a>
              </li>
            );
          })}
      </ul>
    </div>
  );
}

function Utilisation({ label, use, now, value, whole, promised }: { label: string; use: Use; now: number; value: number | undefined; whole: string; promised: string }): ReactElement {
  return (
    <div className="db-card db-use">
      <header>
        <h2>{label}</h2>
        <span>last 24 h</span>
      </header>
      <p className="now">
        <b>{percent(value)}</b> <span>{whole}</span> <span className="promised">{promised}</span>
      </p>
      <Chart label={label} history={use.history} now={now} />
    </div>
  );
}

function Alerts({ alerts }: { alerts: Alert[] }): ReactElement {
  return (
    <div className="db-card db-alerts">
      <header>
        <h2>Alerts</h2>
        <a href={formatAddress({ place: "events", params: {} })}>All events</a>
      </header>
      {alerts.length === 0 && <p className="none">Nothing wants to be seen to.</p>}
      <ul hidden={alerts.length === 0}>
        {alerts.slice(0, 6).map((alert) => {
          const resource = alert.entity ? byCollection(alert.entity.type) : undefined;
          const href = (alert.entity && pageOf(resource, alert.entity.id)) ?? formatAddress({ place: "events", params: { search: `id = ${alert.id}` } });
          return (
            <li key={alert.id}>
              <StateIcon state={SEVERITIES[alert.severity] ?? stateOf("events", alert.severity)} />
              <p className="what">{alert.description}</p>
              <span className="when" title={exactWithZone(alert.time)}>
                {ago(alert.time)}
              </span>
              <p className="about">{alert.entity ? `${resource?.one ?? ""} ${alert.entity.name}`.trim() : ""}</p>
              <a href={href} aria-label={`Open ${alert.entity?.name ?? "the event"}`}>
                Open
              </a>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const tone = (value: number): string => (value >= 90 ? " red" : value >= 75 ? " amber" : "");

function Busiest({ top, running }: { top: Dashboard["top"]; running: boolean }): ReactElement {
  const groups: [string, Top[]][] = [
    ["Busiest VMs by CPU", top.cpu],
    ["Busiest VMs by memory", top.memory],
  ];
  return (
    <div className="db-card db-top">
      {groups.map(([label, rows], index) => (
        <section key={label}>
          <header>
            <h2>{label}</h2>
          </header>
          {rows.length === 0 && <p className="none">{running ? "Nothing is known yet." : "No VM runs."}</p>}
          <ul>
            {rows.slice(0, index === 0 ? 6 : 5).map((row) => (
              <li key={row.id}>
                <StateIcon state={stateOf(row.type, row.status)} />
                <a href={pageOf(byCollection(row.type), row.id)} title={row.name}>
                  {row.name}
                </a>
                <span className={`ov-meter${tone(row.value)}`}>
                  <span style={{ width: `${Math.min(100, row.value)}%` }} />
                </span>
                <b>{percent(row.value)}</b>
                <Spark values={row.history} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function HostTiles({ hosts, total }: { hosts: HostTile[]; total: number }): ReactElement {
  const resource = byCollection("hosts");
  const small = hosts.length > MOST_TILES;
  return (
    <div className="db-card db-hosts">
      <header>
        <h2>Hosts</h2>
        <a href={formatAddress({ place: "topology", params: {} })}>Topology</a>
      </header>
      {hosts.length === 0 && <p className="none">No hosts yet.</p>}
      <ul className={small ? "small" : hosts.length <= 8 ? "roomy" : ""}>
        {hosts.map((host) => {
          const state = stateOf("hosts", host.status);
          const load = Math.max(host.cpu ?? 0, host.memory ?? 0);
          const bad = state.tone === "red" ? " bad" : "";
          return small ? (
            <li key={host.id}>
              <a
                className={`square${bad}${host.status === "up" ? tone(load) : " off"}`}
                style={{ "--load": `${host.status === "up" ? Math.max(6, load) : 0}%` } as React.CSSProperties}
                href={pageOf(resource, host.id)}
                title={`${host.name}: ${state.word}, CPU ${percent(host.cpu)}, memory ${percent(host.memory)}, ${host.vms} VMs`}
                aria-label={`${host.name} ${state.word}`}
              />
            </li>
          ) : (
            <li key={host.id} className={`tile${bad}`}>
              <p>
                <StateIcon state={state} />
                <a href={pageOf(resource, host.id)} title={host.name}>
                  {host.name}
                </a>
                <span>{host.status === "up" || host.vms > 0 ? `${count(host.vms)} ${host.vms === 1 ? "VM" : "VMs"}` : DASH}</span>
              </p>
              {host.status === "up" ? (
                (
                  [
                    ["CPU", host.cpu, " accent"],
                    ["Mem", host.memory, ""],
                  ] as const
                ).map(([label, value, usual]) => (
                  <p key={label} className="use">
                    <span>{label}</span>
                    <span className={`ov-meter${tone(value ?? 0) || usual}`}>
                      <span style={{ width: `${Math.min(100, value ?? 0)}%` }} />
                    </span>
                    <span>{percent(value)}</span>
                  </p>
                ))
              ) : (
                <p className="word">{state.word}</p>
              )}
            </li>
          );
        })}
      </ul>
      {total > hosts.length && (
        <p className="none">
          The busiest {count(hosts.length)} of {count(total)}.
        </p>
      )}
    </div>
  );
}
