/**
 * Sub-tabs with a list: what stands below one object, or another place's list narrowed to it.
 *
 * Does: make `SubTab`s from columns and actions, with selection, toolbar and menu as in the great lists. Does not: page
 * (what stands below one object is read whole; narrowed lists of places are loaded as they are scrolled).
 */
import { type ComponentType, type ReactElement, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Row } from "../../api/client";
import { sentencesOf } from "../../api/fault";
import { ListStore, type Sort } from "../../data/ListStore";
import { figures, useFigures } from "../../data/figures";
import { useNames } from "../../data/names";
import { useOption } from "../../data/options";
import { permits } from "../../data/permits";
import { useRows } from "../../data/queries";
import { inSight } from "../../live/stream";
import { formatAddress } from "../../router";
import { Toolbar, entriesOf } from "../../shell/Toolbar";
import { useNarrow } from "../../shell/narrow";
import { pluginSeam, usePlugins } from "../../plugins/seam";
import { Table } from "../../table/Table";
import { counted } from "../../ui/format";
import { type Entry, Menu } from "../../ui/Menu";
import type { StateOf } from "../../ui/StateIcon";
import type { Action, Column, Resource, SubTab } from "../declare";

export interface SubSpec {
  token: string;
  label: string;
  place?: string;
  one: string;
  many: string;
  /** Below which path of the API the rows are. */
  path: (row: Row) => string;
  columns: Column[];
  state?: (row: Row) => StateOf;
  /** Actions, given the object above. */
  actions?: (parent: Row) => Action[];
  /** Collection of the rows, for permits. */
  collection?: string;
  href?: (row: Row) => string | undefined;
  /** Change the rows after reading: filter, unfold, order. */
  rows?: (rows: Row[], parent: Row) => Row[];
  empty?: string;
  count?: (row: Row) => number | undefined;
  /** What is shown beside the list of the chosen row. */
  side?: ComponentType<{ row: Row; parent: Row }>;
}

const compare = new Intl.Collator(undefined, { numeric: true }).compare;
const NOBODY: Action[] = [];

function asResource(spec: SubSpec): Resource {
  return {
    place: spec.token,
    entity: spec.token,
    collection: spec.collection ?? spec.token,
    label: spec.label,
    one: spec.one,
    many: spec.many,
    icon: "folder",
    prefix: spec.token,
    title: (row) => row.name ?? row.id,
    columns: spec.columns,
    actions: [],
    tabs: [],
    ...(spec.state ? { state: spec.state } : {}),
  };
}

export function subTable(spec: SubSpec): SubTab {
  const resource = asResource(spec);
  function SubTable({ row, resource: above }: { row: Row; resource: Resource }): ReactElement {
    const { data, error, isPending, refetch } = useRows(spec.path(row));
    const narrow = useNarrow();
    useNames();
    useSyncExternalStore(permits.subscribe, permits.version);
    const [sort, setSort] = useOption<Sort | null>(`sub.${spec.token}.sort`, null);
    const [widths, setWidths] = useOption<Record<string, number>>(`sub.${spec.token}.widths`, {});
    const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
    const [active, setActive] = useState<string>();
    const [menu, setMenu] = useState<{ entries: Entry[]; x: number; y: number }>();
    const rows = useMemo(() => {
      const found = spec.rows ? spec.rows(data ?? [], row) : (data ?? []);
      const column = sort && spec.columns.find((other) => other.id === sort.field);
      return column ? found.toSorted((a, b) => compare(column.text(a), column.text(b)) * (sort.down ? -1 : 1)) : found;
    }, [data, sort, row]);
    const actions = pluginSeam.withDetailActions(spec.actions?.(row) ?? NOBODY, above.entity, spec.place, row);
    usePlugins();
    const chosen = rows.filter((other) => selected.has(other.id));
    const current = rows.find((other) => other.id === active);
    const params = { parent: row.id, path: spec.path(row).replace(/\?.*/, "") };
    const columns = spec.columns.filter((column) => !column.extra).map((column) => ({ ...column, sort: column.id }));
    const Side = spec.side;
    return (
      <>
        {actions.length > 0 && (
          <div className="ov-toolbar sub">
            <Toolbar resource={resource} rows={chosen} actions={actions} params={params} />
            <span className="count">{counted(rows.length, spec.one, spec.many)}</span>
          </div>
        )}
        {error && (
          <div className="ov-failed inline" role="alert">
            <span>{sentencesOf(error).join(" ")}</span>
            <button type="button" className="ov-link" onClick={() => void refetch()}>
              Try again
            </button>
          </div>
        )}
        {!isPending && !error && rows.length === 0 && <p className="ov-nothing">{spec.empty ?? `No ${spec.many}.`}</p>}
        <div className="ov-beside">
          <Table
            label={spec.label}
            resource={resource}
            columns={columns}
            widths={widths}
            total={rows.length}
            rowAt={(index) => rows[index]}
            version={0}
            selected={selected}
            active={active}
            sort={sort ?? undefined}
            rowHeight={narrow ? 60 : 28}
            narrow={narrow}
            checkable={actions.length > 0}
            href={spec.href && ((other) => spec.href?.(other) ?? "")}
            onSelect={(next, last) => {
              setSelected(next);
              setActive(last);
              void permits.about(resource.collection, [...next]);
            }}
            onSelectAll={() => setSelected(new Set(rows.map((other) => other.id)))}
            onSort={setSort}
            onWidth={(column, width) => setWidths({ ...widths, [column]: width })}
            onMenu={(about, x, y) => {
              const target = about ? (selected.has(about.id) ? chosen : [about]) : [];
              const entries = entriesOf(actions.filter((action) => (target.length === 0 ? action.on === "none" : action.on !== "none")), resource, target, params);
              if (entries.length > 0) setMenu({ entries, x, y });
            }}
          />
          {Side && current && (
            <aside className="ov-side" aria-label={`Details of ${current.name ?? ""}`}>
              <Side row={current} parent={row} />
            </aside>
          )}
        </div>
        {menu && (
          <Menu entries={menu.entries} label={`Actions on ${spec.label}`} anchor={{ left: menu.x, right: menu.x, top: menu.y, bottom: menu.y }} align="point" onClose={() => setMenu(undefined)} />
        )}
      </>
    );
  }
  return {
    token: spec.token,
    label: spec.label,
    component: SubTable,
    ...(spec.place ? { place: spec.place } : {}),
    ...(spec.count ? { count: spec.count } : {}),
  };
}

interface ListSpec {
  token: string;
  label: string;
  place?: string;
  /** Whose columns and actions; a function, since entities refer to each other. */
  of: () => Resource;
  search: (row: Row) => string;
  without?: string[];
  count?: (row: Row) => number | undefined;
}

/** Another place's list, narrowed to one object. */
export function listTab(spec: ListSpec): SubTab {
  function ListTab({ row, resource: above }: { row: Row; resource: Resource }): ReactElement {
    const resource = spec.of();
    const narrow = useNarrow();
    useNames();
    useFigures();
    useSyncExternalStore(permits.subscribe, permits.version);
    const search = spec.search(row);
    const [sort, setSort] = useState(resource.sort);
    const store = useMemo(() => new ListStore(resource.collection, { search, sort }, resource.follow), [resource, search, sort]);
    useEffect(() => store.start(), [store]);
    useSyncExternalStore(store.subscribe, store.snapshot);
    const [widths, setWidths] = useOption<Record<string, number>>(`sub.${spec.token}.widths`, {});
    const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
    const [active, setActive] = useState<string>();
    const [menu, setMenu] = useState<{ entries: Entry[]; x: number; y: number }>();
    const chosen = [...selected].map((id) => store.find(id)).filter((other) => other !== undefined);
    const { version } = store;
    const [range, setRange] = useState({ from: 0, to: 30 });
    const onLook = useCallback(
      (from: number, to: number) => {
        store.look(from, to);
        setRange({ from, to });
      },
      [store],
    );
    useEffect(() => {
      if (!resource.measured) return;
      const seen: string[] = [];
      for (let index = range.from; index < range.to; index += 1) {
        const id = store.row(index)?.id;
        if (id) seen.push(id);
      }
      if (seen.length > 0) {
        figures.look(resource.collection, seen);
        inSight([...seen, row.id]);
      }
    }, [version, range, store, resource, row.id]);
    const actions = pluginSeam.withDetailActions(resource.actions.filter((action) => action.on !== "none"), above.entity, spec.place, row);
    usePlugins();
    const columns = resource.columns.filter((column) => !column.extra && !spec.without?.includes(column.id));
    return (
      <>
        <div className="ov-toolbar sub">
          <Toolbar resource={resource} rows={chosen} actions={actions} />
          <span className="count">{store.total === undefined ? "" : counted(store.total, resource.one, resource.many)}</span>
        </div>
        {store.error && <p className="ov-failed inline">{store.error.sentences.join(" ")}</p>}
        {store.total === 0 && <p className="ov-nothing">No {resource.many}.</p>}
        <Table
          label={spec.label}
          resource={resource}
          columns={columns}
          widths={widths}
          total={store.total}
          rowAt={(index) => store.row(index)}
          version={store.version}
          marks={store.marks}
          selected={selected}
          active={active}
          sort={sort}
          rowHeight={narrow ? 60 : 28}
          narrow={narrow}
          href={(other) => formatAddress({ place: resource.place, tab: resource.tabs[0]?.token, params: { id: other.id } })}
          onLook={onLook}
          onSelect={(next, last) => {
            setSelected(next);
            setActive(last);
            void permits.about(resource.collection, [...next]);
          }}
          onSelectAll={() => setSelected(new Set(store.loaded().map((other) => other.id)))}
          onSort={setSort}
          onWidth={(column, width) => setWidths({ ...widths, [column]: width })}
          onMenu={(about, x, y) => {
            if (!about) return;
            setMenu({ entries: entriesOf(actions, resource, selected.has(about.id) ? chosen : [about]), x, y });
          }}
        />
        {menu && (
          <Menu entries={menu.entries} label={`Actions on ${spec.label}`} anchor={{ left: menu.x, right: menu.x, top: menu.y, bottom: menu.y }} align="point" onClose={() => setMenu(undefined)} />
        )}
      </>
    );
  }
  return {
    token: spec.token,
    label: spec.label,
    component: ListTab,
    ...(spec.place ? { place: spec.place } : {}),
    ...(spec.count ? { count: spec.count } : {}),
  };
}
