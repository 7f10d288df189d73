/**
 * The system tree: data centers with their storage, networks, templates, clusters; read as it is unfolded, patched by
 * the stream, never rebuilt.
 *
 * Does: narrow the fitting list to a node, follow what is shown. Does not: select by unfolding.
 */
import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";
import { useRows } from "../data/queries";
import type { Row } from "../api/client";
import { useOption } from "../data/options";
import { byPlace } from "../resources";
import { type Address, formatAddress, router } from "../router";
import { Icon, type IconName } from "../ui/Icon";
import { type StateOf, StateIcon } from "../ui/StateIcon";
import { Tally } from "../resources/parts/Tally";
import { Bookmarks, Tags } from "./Marks";
import type { MainPlace } from "./places";
import { type Scope, type ScopeKind, quoted, scopeOf, scopeText } from "./scope";

interface Node {
  key: string;
  label: string;
  icon?: IconName;
  state?: StateOf | undefined;
  href: string;
  /** Path of the rows below, and what they are; undefined: a leaf. */
  below?: (props: { depth: number }) => ReactElement | null;
  type: string;
  /** A search whose number stands at the right edge. */
  tally?: string;
}

const narrowed = (place: string, kind?: ScopeKind, name?: string): string =>
  formatAddress({ place, params: kind && name ? { scope: `${kind}:${name}` } : {} });

/** The same scope in another place, if its entity can be narrowed so. */
export function keepScope(place: MainPlace, address: Address): string | undefined {
  const scope = scopeOf(address);
  const resource = byPlace(place.token);
  if (!scope || !resource || !scopeText(resource, scope)) return undefined;
  return formatAddress({ place: place.token, params: { scope: `${scope.kind}:${scope.name}` } });
}

/** What is shown, as a node's address would say it. */
function shownHref(): string {
  const address = router.address();
  const scope = address.params["scope"];
  return formatAddress({ place: byPlace(address.place)?.place ?? address.place, params: scope ? { scope } : {} });
}

function Branch({ node, depth }: { node: Node; depth: number }): ReactElement {
  const [unfolded, setUnfolded] = useOption<string[]>("tree.open", ["system", "dc"]);
  const isOpen = node.below !== undefined && unfolded.includes(node.key);
  const flip = (): void => setUnfolded(isOpen ? unfolded.filter((key) => key !== node.key) : [...unfolded, node.key].slice(-200));
  const current = shownHref() === node.href;
  const Below = node.below;
  return (
    <li role="none">
      <div
        className="ov-node"
        role="treeitem"
        aria-level={depth + 1}
        aria-label={node.label}
        aria-expanded={node.below ? isOpen : undefined}
        aria-selected={current}
        tabIndex={-1}
        data-href={node.href}
        style={{ paddingLeft: 6 + depth * 16 }}
        onClick={(event) => {
          if ((event.target as Element).closest(".fold")) return;
          location.hash = node.href;
        }}
        onDoubleClick={flip}
      >
        {node.below ? (
          <button type="button" className="fold" tabIndex={-1} aria-hidden onClick={flip}>
            <Icon name={isOpen ? "down" : "right"} size={12} />
          </button>
        ) : (
          <span className="fold" />
        )}
        {node.state ? <StateIcon state={node.state} silent /> : node.icon && <Icon name={node.icon} size={15} />}
        <span className="label">{node.label}</span>
        {node.tally && (
          <span className="tally" aria-hidden>
            <Tally search={node.tally} />
          </span>
        )}
      </div>
      {isOpen && Below && (
        <ul role="group">
          <Below depth={depth + 1} />
        </ul>
      )}
    </li>
  );
}

function Leaves({ path, depth, make, filter }: { path: string; depth: number; make: (row: Row) => Node; filter?: (row: Row) => boolean }): ReactElement {
  const { data, isError } = useRows(path);
  if (isError)
    return (
      <li role="none" className="ov-node ov-muted" style={{ paddingLeft: 24 + depth * 16 }}>
        cannot be read
      </li>
    );
  const rows = filter ? (data ?? []).filter(filter) : (data ?? []);
  return (
    <>
      {rows.map((row) => {
        const node = make(row);
        return <Branch key={node.key} node={node} depth={depth} />;
      })}
    </>
  );
}

const search = (collection: string, query: string): string => `/${collection}?search=${encodeURIComponent(`${query} sortby name asc`)}&max=200`;

function dataCenter(dc: Row): Node {
  const name = dc.name ?? "";
  const group = (key: string, label: string, icon: IconName, place: string, below: Node["below"], kind: ScopeKind = "datacenter"): Node => ({
    key: `${key}/${dc.id}`,
    label,
    icon,
    href: narrowed(place, kind, name),
    type: label,
    ...(byPlace(place) ? { tally: `/${byPlace(place)?.collection}?search=datacenter = ${quoted(name)}` } : {}),
    ...(below ? { below } : {}),
  });
  return {
    key: dc.id,
    label: name,
    icon: "dataCenter",
    type: "DataCenter",
    href: narrowed("dataCenters", "datacenter", name),
    below: ({ depth }) => (
      <>
        <Branch
          depth={depth}
          node={group("storage", "Storage", "storage", "storage", ({ depth }) => (
            <Leaves
              path={`/datacenters/${dc.id}/storagedomains`}
              depth={depth}
              make={(row) => ({
                key: `${dc.id}/${row.id}`,
                label: row.name ?? "",
                state: byPlace("storage")?.state?.(row),
                icon: "storage",
                type: "Storage",
                href: narrowed("disks", "storage", row.name),
              })}
            />
          ))}
        />
        <Branch
          depth={depth}
          node={group("networks", "Networks", "network", "networks", ({ depth }) => (
            <Leaves
              path={`/datacenters/${dc.id}/networks`}
              depth={depth}
              make={(row) => ({ key: row.id + dc.id, label: row.name ?? "", icon: "network", type: "Network", href: formatAddress({ place: "networks", tab: "general", params: { id: row.id } }) })}
            />
          ))}
        />
        <Branch depth={depth} node={group("templates", "Templates", "template", "templates", undefined)} />
        <Branch
          depth={depth}
          node={group("clusters", "Clusters", "cluster", "clusters", ({ depth }) => (
            <Leaves path={`/datacenters/${dc.id}/clusters`} depth={depth} make={cluster} />
          ))}
        />
      </>
    ),
  };
}

function cluster(row: Row): Node {
  const name = row.name ?? "";
  return {
    key: row.id,
    label: name,
    icon: "cluster",
    type: "Cluster",
    href: narrowed("clusters", "cluster", name),
    below: ({ depth }) => (
      <>
        <Branch
          depth={depth}
          node={{
            key: `hosts/${row.id}`,
            label: "Hosts",
            icon: "host",
            type: "Hosts",
            href: narrowed("hosts", "cluster", name),
            tally: `/hosts?search=cluster = ${quoted(name)}`,
            below: ({ depth }) => (
              <Leaves
                path={search("hosts", `cluster = ${quoted(name)}`)}
                depth={depth}
                make={(host) => ({
                  key: host.id,
                  label: host.name ?? "",
                  state: byPlace("hosts")?.state?.(host),
                  icon: "host",
                  type: "Host",
                  href: narrowed("vms", "host", host.name),
                })}
              />
            ),
          }}
        />
        <Branch depth={depth} node={{ key: `vms/${row.id}`, label: "VMs", icon: "vm", type: "VMs", href: narrowed("vms", "cluster", name), tally: `/vms?search=cluster = ${quoted(name)}` }} />
      </>
    ),
  };
}

export function Tree({ onFold }: { onFold: () => void }): ReactElement {
  const tree = useRef<HTMLUListElement>(null);
  const [filter, setFilter] = useState<string>();
  const root: Node = {
    key: "system",
    label: "System",
    icon: "globe",
    type: "System",
    href: narrowed("dataCenters"),
    below: ({ depth }) => (
      <Leaves
        path={filter ? search("datacenters", `name = ${quoted(filter)}*`) : "/datacenters"}
        depth={depth}
        make={dataCenter}
      />
    ),
  };
  useEffect(() => {
    const all = tree.current?.querySelectorAll<HTMLElement>("[role=treeitem]");
    const chosen = tree.current?.querySelector<HTMLElement>("[aria-selected=true]");
    all?.forEach((item, index) => (item.tabIndex = chosen ? (item === chosen ? 0 : -1) : index === 0 ? 0 : -1));
  });
  const keys = (event: KeyboardEvent): void => {
    const all = [...(tree.current?.querySelectorAll<HTMLElement>("[role=treeitem]") ?? [])];
    const now = document.activeElement as HTMLElement;
    const at = all.indexOf(now);
    if (at < 0) return;
    const focus = (item: HTMLElement | undefined): void => {
      event.preventDefault();
      item?.focus();
    };
    const fold = (): void => now.querySelector<HTMLElement>(".fold")?.click();
    if (event.key === "ArrowDown") focus(all[at + 1]);
    else if (event.key === "ArrowUp") focus(all[at - 1]);
    else if (event.key === "Home") focus(all[0]);
    else if (event.key === "End") focus(all.at(-1));
    else if (event.key === "ArrowRight") {
      if (now.ariaExpanded === "false") fold();
      else if (now.ariaExpanded === "true") focus(all[at + 1]);
    }
    else if (event.key === "ArrowLeft") {
      if (now.ariaExpanded === "true") fold();
      else focus(all.slice(0, at).findLast((item) => Number(item.ariaLevel) < Number(now.ariaLevel)));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      location.hash = now.dataset["href"] ?? "";
    } else if (event.key.length === 1 && /\w/.test(event.key) && !event.ctrlKey) {
      const wanted = event.key.toLowerCase();
      focus([...all.slice(at + 1), ...all.slice(0, at)].find((item) => item.ariaLabel?.toLowerCase().startsWith(wanted)));
    }
  };
  return (
    <aside className="ov-tree" aria-label="System">
      <header>
        <h2>System</h2>
        <button type="button" className="ov-button bare" aria-label="Filter the tree" aria-pressed={filter !== undefined} title="Filter" onClick={() => setFilter(filter === undefined ? "" : undefined)}>
          <Icon name="filter" size={14} />
        </button>
        <button type="button" className="ov-button bare" aria-label="Fold the tree away" title="Fold away" onClick={onFold}>
          <Icon name="left" size={14} />
        </button>
      </header>
      {filter !== undefined && (
        <input className="ov-filter" autoFocus aria-label="Data centers that begin with" placeholder="Data center" value={filter} onChange={(event) => setFilter(event.target.value)} />
      )}
      <ul ref={tree} role="tree" aria-label="System" onKeyDown={keys} className="nodes">
        <Branch node={root} depth={0} />
      </ul>
      <Bookmarks />
      <Tags />
    </aside>
  );
}

export const scopeLabel = (scope: Scope): string =>
  ({ datacenter: "in data center", cluster: "in cluster", host: "on host", storage: "on storage", network: "on network", template: "from template" })[scope.kind] + ` ${scope.name}`;
