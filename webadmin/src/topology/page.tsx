/**
 * `#topology`: networks, clusters with their hosts, and storage of each data center, and what reaches what.
 *
 * Does: lay the parts out as boxes, draw lines between them, light up what belongs to the one under the pointer or the focus.
 * Follows the stream. Does not: change anything; every box leads to its page.
 */
import { useQueries } from "@tanstack/react-query";
import { type ReactElement, useLayoutEffect, useRef, useState } from "react";
import { type Row, items, list, number, text, truth } from "../api/client";
import { sentencesOf } from "../api/fault";
import { useRows } from "../data/queries";
import { byCollection } from "../resources";
import { type Address, formatAddress, router } from "../router";
import { bytes, count, counted } from "../ui/format";
import { Icon } from "../ui/Icon";
import { type StateOf, StateIcon } from "../ui/StateIcon";
import { type Edge, curve, edgesOf } from "./edges";
import "./topology.css";

const MOST = 500;
const MANY_HOSTS = 40;

export default function Topology({ address }: { address: Address }): ReactElement {
  const centers = useRows("/datacenters");
  const clusters = useRows("/clusters");
  const hosts = useRows(`/hosts?max=${MOST}`);
  const networks = useRows(`/networks?max=${MOST}`);
  const storage = useRows(`/storagedomains?max=${MOST}`);
  const assigned = useQueries({
    queries: (clusters.data ?? []).map((cluster) => {
      const path = `/clusters/${cluster.id}/networks`;
      return { queryKey: ["rows", path], queryFn: ({ signal }: { signal: AbortSignal }) => list(path, { signal }) };
    }),
    combine: (found) => found.map(({ data }) => data ?? []),
  });
  const all = [centers, clusters, hosts, networks, storage];
  const failed = all.find(({ error }) => error);
  if (failed)
    return (
      <div className="tp-page">
        <div className="ov-failed" role="alert">
          <p>
            <b>The topology cannot be shown.</b> {sentencesOf(failed.error).join(" ")}
          </p>
          <button type="button" className="ov-button outline" onClick={() => all.forEach((query) => void query.refetch())}>
            Try again
          </button>
        </div>
      </div>
    );
  if (all.some(({ data }) => data === undefined)) return <div className="tp-page" aria-busy />;
  const shown = (centers.data ?? []).filter((center) => !address.params["dc"] || center.id === address.params["dc"]);
  return (
    <div className="tp-page">
      <header className="tp-head">
        <h1>Topology</h1>
        <label>
          Data Center{" "}
          <select value={address.params["dc"] ?? ""} onChange={(event) => router.set({ dc: event.target.value || undefined }, true)}>
            <option value="">All</option>
            {(centers.data ?? []).map((center) => (
              <option key={center.id} value={center.id}>
                {center.name}
              </option>
            ))}
          </select>
        </label>
        <a href={formatAddress({ place: "dashboard", params: {} })}>Dashboard</a>
      </header>
      {shown.length === 0 && <p className="ov-muted">There is no data center.</p>}
      {shown.map((center) => {
        const own = (clusters.data ?? []).filter((cluster) => text(cluster, "data_center.id") === center.id);
        return (
          <Center
            key={center.id}
            center={center}
            clusters={own}
            networksOf={new Map((clusters.data ?? []).map((cluster, index) => [cluster.id, assigned[index] ?? []]))}
            hosts={hosts.data ?? []}
            networks={(networks.data ?? []).filter((network) => text(network, "data_center.id") === center.id)}
            storage={(storage.data ?? []).filter((domain) => items(domain, "data_centers").some(({ id }) => id === center.id))}
          />
        );
      })}
      {(hosts.data?.length ?? 0) >= MOST && <p className="ov-muted">The first {count(MOST)} hosts are shown.</p>}
    </div>
  );
}

const stateOf = (collection: string, row: Row): StateOf => byCollection(collection)?.state?.(row) ?? { shape: "none", tone: "grey", word: "" };

interface CenterProps {
  center: Row;
  clusters: Row[];
  networksOf: Map<string, Row[]>;
  hosts: Row[];
  networks: Row[];
  storage: Row[];
}

function Center({ center, clusters, networksOf, hosts, networks, storage }: CenterProps): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const [lines, setLines] = useState<{ edge: Edge; path: string }[]>([]);
  const [lit, setLit] = useState<string>();
  const edges = edgesOf(clusters.map((cluster) => ({ id: cluster.id, networks: (networksOf.get(cluster.id) ?? []).map(({ id }) => id) })), storage.map(({ id }) => id));
  const key = edges.map(({ from, to }) => `${from}>${to}`).join();

  useLayoutEffect(() => {
    const stage = box.current;
    if (!stage) return undefined;
    const draw = (): void => {
      const origin = stage.getBoundingClientRect();
      const places = new Map<string, DOMRect>();
      for (const node of stage.querySelectorAll<HTMLElement>("[data-node]")) places.set(node.dataset["node"] ?? "", node.getBoundingClientRect());
      setLines(
        edges.flatMap((edge) => {
          const [from, to] = [places.get(edge.from), places.get(edge.to)];
          return from && to ? [{ edge, path: curve(from, to, origin) }] : [];
        }),
      );
    };
    draw();
    const watch = new ResizeObserver(draw);
    watch.observe(stage);
    return () => watch.disconnect();
    // Edges are compared by what they join.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key, hosts.length]);

  const near = lit === undefined ? undefined : new Set([lit, ...edges.flatMap(({ from, to }) => (from === lit ? [to] : to === lit ? [from] : []))]);
  const node = (id: string): { "data-node": string; className: string; onPointerEnter: () => void; onPointerLeave: () => void; onFocus: () => void; onBlur: () => void } => ({
    "data-node": id,
    className: near && !near.has(id) ? "tp-box faded" : "tp-box",
    onPointerEnter: () => setLit(id),
    onPointerLeave: () => setLit(undefined),
    onFocus: () => setLit(id),
    onBlur: () => setLit(undefined),
  });
  return (
    <section className="tp-center" aria-label={`Data center ${center.name}`}>
      <h2>
        <StateIcon state={stateOf("datacenters", center)} /> <Link collection="datacenters" row={center} />
        <span className="ov-muted">
          {counted(networks.length, "network", "networks")}, {counted(clusters.length, "cluster", "clusters")}, {counted(storage.length, "storage domain", "storage domains")}
        </span>
      </h2>
      <div className="tp-stage" ref={box}>
        <svg className="tp-lines" aria-hidden>
          {lines.map(({ edge, path }) => (
            <path key={`${edge.from}>${edge.to}`} d={path} className={lit === undefined ? "" : edge.from === lit || edge.to === lit ? "lit" : "faded"} />
          ))}
        </svg>
        <ul aria-label="Networks">
          {networks.map((network) => (
            <li key={network.id} {...node(network.id)}>
              <p>
                <Icon name="network" size={14} /> <Link collection="networks" row={network} />
              </p>
              <p className="about">{[text(network, "vlan.id") && `VLAN ${text(network, "vlan.id")}`, hasUsage(network, "vm") ? "VM network" : ""].filter(Boolean).join(", ")}</p>
            </li>
          ))}
        </ul>
        <ul aria-label="Clusters">
          {clusters.map((cluster) => (
            <li key={cluster.id} {...node(cluster.id)}>
              <p>
                <Icon name="cluster" size={14} /> <Link collection="clusters" row={cluster} />
              </p>
              <Hosts hosts={hosts.filter((host) => text(host, "cluster.id") === cluster.id)} />
            </li>
          ))}
        </ul>
        <ul aria-label="Storage">
          {storage.map((domain) => {
            const used = number(domain, "used") ?? 0;
            const size = used + (number(domain, "available") ?? 0);
            const full = size ? (used / size) * 100 : 0;
            return (
              <li key={domain.id} {...node(domain.id)}>
                <p>
                  <Icon name="storage" size={14} /> <Link collection="storagedomains" row={domain} />
                  {truth(domain, "master") && <span className="ov-muted">master</span>}
                </p>
                <p className="about">
                  <span className={`ov-meter${full >= 90 ? " red" : full >= 75 ? " amber" : ""}`}>
                    <span style={{ width: `${full}%` }} />
                  </span>
                  {bytes(used)} of {bytes(size)}
                </p>
              </li>
            );
          })}
        </ul>
      </div>
    </section>
  );
}

const hasUsage = (network: Row, usage: string): boolean => {
  const found = (network["usages"] as { usage?: string[] } | undefined)?.usage;
  return found?.includes(usage) ?? false;
};

function Hosts({ hosts }: { hosts: Row[] }): ReactElement {
  if (hosts.length === 0) return <p className="about">No hosts</p>;
  return (
    <ul className={hosts.length > MANY_HOSTS ? "tp-hosts small" : "tp-hosts"} aria-label="Hosts">
      {hosts.map((host) => {
        const state = stateOf("hosts", host);
        return (
          <li key={host.id} className={state.tone === "red" ? "bad" : ""} title={`${host.name}: ${state.word}, ${counted(number(host, "summary.total") ?? 0, "VM", "VMs")}`}>
            <StateIcon state={state} />
            <Link collection="hosts" row={host} />
            <span>{count(number(host, "summary.total") ?? 0)}</span>
          </li>
        );
      })}
    </ul>
  );
}

function Link({ collection, row }: { collection: string; row: Row }): ReactElement {
  const resource = byCollection(collection);
  return <a href={formatAddress({ place: resource?.place ?? collection, tab: resource?.tabs[0]?.token, params: { id: row.id } })}>{row.name}</a>;
}
