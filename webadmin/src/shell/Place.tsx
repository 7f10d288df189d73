/** One place: toolbar, table, split with details; or the page of one object. */
import { type KeyboardEvent, type PointerEvent, type ReactElement, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { type Row, get, lighten, list, text } from "../api/client";
import { sentencesOf } from "../api/fault";
import type { Sort } from "../data/ListStore";
import { figures, useFigures } from "../data/figures";
import { useNames } from "../data/names";
import { useOption } from "../data/options";
import { permits } from "../data/permits";
import { inSight, listen } from "../live/stream";
import type { Resource } from "../resources/declare";
import { pluginSeam, usePlugins } from "../plugins/seam";
import { type Address, formatAddress, router } from "../router";
import { Table } from "../table/Table";
import { count, counted } from "../ui/format";
import { Icon } from "../ui/Icon";
import { type Entry, Menu, MenuButton } from "../ui/Menu";
import { StateIcon } from "../ui/StateIcon";
import { possible, act } from "./acting";
import { Split, SubTabs, pillTone } from "./Details";
import { saveCsv } from "./csv";
import { lastListOf, listOf } from "./lists";
import { useNarrow } from "./narrow";
import { notify } from "./notices";
import { searchOf } from "./scope";
import { Toolbar, entriesOf } from "./Toolbar";

const NONE: ReadonlySet<string> = new Set();

export function Place({ resource, address }: { resource: Resource; address: Address }): ReactElement {
  if (address.tab !== undefined && (address.params["id"] || address.params["name"]))
    return <Page key={`${resource.place}/${address.params["id"] ?? address.params["name"]}`} resource={resource} address={address} />;
  return <ListPlace key={resource.place} resource={resource} address={address} />;
}

function sortOf(resource: Resource, address: Address, kept: Sort | null): Sort | undefined {
  const told = address.params["sort"];
  if (told) {
    const [field = "", way] = told.split(",");
    if (resource.columns.some((column) => column.sort === field)) return { field, down: way === "desc" };
  }
  return kept ?? resource.sort;
}

function ListPlace({ resource, address }: { resource: Resource; address: Address }): ReactElement {
  const narrow = useNarrow();
  const [keptSort, keepSort] = useOption<Sort | null>(`${resource.place}.sort`, null);
  const [hidden] = useOption<string[]>(`${resource.place}.hidden`, []);
  const [added] = useOption<string[]>(`${resource.place}.shown`, []);
  const [widths, keepWidths] = useOption<Record<string, number>>(`${resource.place}.widths`, {});
  const [ratio, keepRatio] = useOption<number>(`${resource.place}.split`, 0.62);
  const [roomy] = useOption<boolean>("comfortable", false);
  useNames();
  useFigures();
  usePlugins();
  useSyncExternalStore(permits.subscribe, permits.version);

  const sort = sortOf(resource, address, keptSort);
  const search = searchOf(resource, address);
  const sortKey = sort ? `${sort.field} ${sort.down}` : "";
  const { store, top, keepTop } = useMemo(
    () => listOf(resource.collection, { search, sort }, resource.follow),
    // The sort is compared by what it says.
    // oxlint-disable-next-line react/exhaustive-deps
    [resource, search, sortKey],
  );
  useSyncExternalStore(store.subscribe, store.snapshot);

  const [selected, setSelected] = useState<ReadonlySet<string>>(() => new Set(address.params["sel"] ? [address.params["sel"]] : []));
  const [active, setActive] = useState<string | undefined>(address.params["sel"]);
  const kept = useRef(new Map<string, Row>());
  const [menu, setMenu] = useState<{ entries: Entry[]; x: number; y: number }>();
  const body = useRef<HTMLDivElement>(null);

  const rowOf = (id: string): Row | undefined => {
    const row = store.find(id) ?? kept.current.get(id);
    if (row) kept.current.set(id, row);
    return row;
  };
  const rows = [...selected].map(rowOf).filter((row): row is Row => row !== undefined && store.marks.get(row.id) !== "removed");
  const activeRow = active === undefined ? undefined : rowOf(active);

  // A link may name a row that is not in the loaded pages.
  useEffect(() => {
    const id = address.params["sel"];
    if (!id || store.find(id) || kept.current.has(id)) return;
    let stop = false;
    get<Row>(`/${resource.collection}/${id}`).then(
      (row) => {
        if (stop) return;
        kept.current.set(id, lighten(row));
        setActive(id);
        setSelected(new Set([id]));
      },
      () => {
        if (stop) return;
        notify("warning", `${id} is not here any more.`);
        router.set({ sel: undefined }, true);
      },
    );
    return () => {
      stop = true;
    };
  }, [address.params, resource.collection, store]);

  // A kept row that left the loaded pages is still told of changes.
  useEffect(
    () =>
      listen("changed", (news) => {
        for (const change of news) {
          const row = kept.current.get(change.id);
          if (row && !store.find(change.id)) kept.current.set(change.id, { ...row, ...change.values, id: row.id });
        }
      }),
    [store],
  );

  useLayoutEffect(() => {
    const box = body.current?.querySelector(".ov-table");
    if (box) box.scrollTop = top;
    // Only when another list is shown.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [store]);

  store.idle = () => selected.size === 0 && (body.current?.querySelector(".ov-table")?.scrollTop ?? 0) === 0;

  const onSelect = useCallback((next: ReadonlySet<string>, last: string | undefined) => {
    setSelected(next);
    setActive(last);
    router.set({ sel: last }, true);
    const { params } = router.address();
    if (!last && params["tab"]) router.set({ tab: undefined }, true);
  }, []);
  // Another search is another choice.
  const searched = useRef(search);
  useEffect(() => {
    if (searched.current === search) return;
    searched.current = search;
    onSelect(NONE, undefined);
  }, [search, onSelect]);
  const ids = [...selected].join();
  useEffect(() => {
    const chosen = ids ? ids.split(",") : [];
    void permits.about(resource.collection, chosen);
    pluginSeam.selected(resource, chosen.map((id) => store.find(id) ?? kept.current.get(id)).filter((row) => row !== undefined));
  }, [ids, resource, store]);

  const sights = useRef("");
  const look = useCallback(
    (from: number, to: number) => {
      store.look(from, to);
      if (!resource.measured && resource.collection !== "storagedomains") return;
      const seen: string[] = [];
      for (let index = from; index < to; index += 1) {
        const id = store.row(index)?.id;
        if (id) seen.push(id);
      }
      const key = seen.join();
      if (key === sights.current) return;
      sights.current = key;
      inSight(seen);
      figures.look(resource.collection, seen);
    },
    [store, resource],
  );
  const range = useRef({ from: 0, to: 40 });
  const onLook = useCallback(
    (from: number, to: number) => {
      range.current = { from, to };
      look(from, to);
    },
    [look],
  );
  const { version } = store;
  useEffect(() => look(range.current.from, range.current.to), [version, look]);

  const everything = async (): Promise<void> => {
    const all = await store.all();
    for (const row of all) kept.current.set(row.id, row);
    onSelect(new Set(all.map((row) => row.id)), active ?? all[0]?.id);
    notify("info", `${counted(all.length, resource.one, resource.many)} selected.`, undefined, 3000);
  };

  const actions = pluginSeam.withActions(resource);
  const columns = resource.columns.filter((column) => (column.extra ? added.includes(column.id) : !hidden.includes(column.id)));
  const openMenu = (row: Row | undefined, x: number, y: number): void => {
    if (!row) {
      const first = actions.filter((action) => action.on === "none");
      setMenu({ entries: [...entriesOf(first, resource, []), { label: "Refresh", icon: "refresh", onSelect: () => store.reload() }], x, y });
      return;
    }
    const about = selected.has(row.id) ? rows : [row];
    setMenu({ entries: entriesOf(actions.filter((action) => action.on !== "none" && action.plugin?.where !== "toolbar"), resource, about), x, y });
  };
  const pageHref = (row: Row): string => formatAddress({ place: resource.place, tab: resource.tabs[0]?.token, params: { id: row.id, ...(search ? { from: address.params["search"] ?? "" } : {}) } });
  const empty = store.total === 0 && !store.error;
  const shown = activeRow && !narrow ? activeRow : undefined;
  const emptyAction = resource.actions.find((action) => action.id === resource.whenEmpty);
  const helpful = emptyAction && possible(emptyAction, resource, []);

  return (
    <div className="ov-place" ref={body}>
      <div className="ov-toolbar">
        {!narrow && <Toolbar resource={resource} rows={rows} actions={actions} />}
        {narrow && <span className="space" />}
        <span className="count" aria-live="polite">
          {selected.size > 1 ? (
            <>
              <b>{count(selected.size)}</b> of {count(store.total ?? 0)}
            </>
          ) : store.total === undefined ? (
            ""
          ) : (
            counted(store.total, resource.one, resource.many)
          )}
        </span>
        <ColumnChooser resource={resource} />
        <button
          type="button"
          className="ov-button bare"
          aria-label="Export as CSV"
          title="Export as CSV"
          onClick={() => void store.all().then((all) => saveCsv(resource, columns, all))}
        >
          <Icon name="download" />
        </button>
      </div>
      {store.error && (
        <div className="ov-failed inline" role="alert">
          <span>{sentencesOf(store.error).join(" ")}</span>
          <button type="button" className="ov-link" onClick={() => store.reload()}>
            Try again
          </button>
        </div>
      )}
      {store.fresh > 0 && (
        <button type="button" className="ov-fresh" onClick={() => store.reload()}>
          {store.fresh} new
        </button>
      )}
      <div className="ov-split" style={{ "--ratio": shown ? ratio : 1 } as React.CSSProperties}>
        <div className="ov-upper">
          {empty ? (
            <div className="ov-empty">
              <p>{address.params["search"] || address.params["scope"] ? `No ${resource.many} match ${search || "this"}.` : `No ${resource.many} yet.`}</p>
              {address.params["search"] || address.params["scope"] ? (
                <button type="button" className="ov-link" onClick={() => router.set({ search: undefined, scope: undefined })}>
                  Clear search
                </button>
              ) : (
                helpful && (
                  <button type="button" className="ov-button primary" onClick={() => act(helpful, resource)}>
                    {helpful.action.label}
                  </button>
                )
              )}
            </div>
          ) : null}
          <Table
            label={resource.label}
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
            rowHeight={narrow ? 60 : roomy ? 36 : 28}
            narrow={narrow}
            href={pageHref}
            onLook={onLook}
            onSelect={onSelect}
            onSelectAll={() => void everything()}
            onOpen={(row) => router.go({ place: resource.place, tab: resource.tabs[0]?.token, params: { id: row.id } })}
            onSort={(next) => {
              keepSort(next);
              router.set({ sort: `${next.field},${next.down ? "desc" : "asc"}` }, true);
            }}
            onWidth={(column, width) => keepWidths({ ...widths, [column]: width })}
            onMenu={openMenu}
            onScrolled={keepTop}
          />
        </div>
        {shown && (
          <>
            <SplitBar ratio={ratio} onRatio={keepRatio} />
            <Split
              resource={resource}
              row={shown}
              tab={address.params["tab"]}
              onTab={(tab) => router.set({ tab })}
              selected={selected.size}
              onHide={() => onSelect(NONE, undefined)}
            />
          </>
        )}
      </div>
      {narrow && rows.length > 0 && (
        <div className="ov-narrow-actions">
          <p>
            {count(selected.size)} selected
            <button type="button" className="ov-link" onClick={() => onSelect(NONE, undefined)}>
              Clear
            </button>
          </p>
          <Toolbar resource={resource} rows={rows} actions={actions} page />
        </div>
      )}
      {menu && (
        <Menu
          entries={menu.entries}
          label={`Actions on ${resource.label}`}
          anchor={{ left: menu.x, right: menu.x, top: menu.y, bottom: menu.y }}
          align="point"
          onClose={() => setMenu(undefined)}
        />
      )}
    </div>
  );
}

function ColumnChooser({ resource }: { resource: Resource }): ReactElement {
  const [hidden, keepHidden] = useOption<string[]>(`${resource.place}.hidden`, []);
  const [added, keepAdded] = useOption<string[]>(`${resource.place}.shown`, []);
  const [, keepWidths] = useOption<Record<string, number>>(`${resource.place}.widths`, {});
  const [roomy, keepRoomy] = useOption<boolean>("comfortable", false);
  const flip = (all: string[], id: string): string[] => (all.includes(id) ? all.filter((other) => other !== id) : [...all, id]);
  const entries = (): Entry[] => [
    ...resource.columns.slice(1).map((column): Entry => ({
      label: column.label,
      checked: column.extra ? added.includes(column.id) : !hidden.includes(column.id),
      onSelect: () => (column.extra ? keepAdded(flip(added, column.id)) : keepHidden(flip(hidden, column.id))),
    })),
    "line",
    { label: "Comfortable rows", checked: roomy, onSelect: () => keepRoomy(!roomy) },
    {
      label: "As at first",
      icon: "refresh",
      onSelect: () => {
        keepHidden([]);
        keepAdded([]);
        keepWidths({});
      },
    },
  ];
  return (
    <MenuButton label="Columns" entries={entries} align="end">
      <Icon name="columns" />
    </MenuButton>
  );
}

function SplitBar({ ratio, onRatio }: { ratio: number; onRatio: (ratio: number) => void }): ReactElement {
  const bar = useRef<HTMLDivElement>(null);
  const within = (value: number, height: number): number => Math.min(1 - 160 / height, Math.max((30 + 4 * 28) / height, value));
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    const box = bar.current?.parentElement?.getBoundingClientRect();
    if (!box) return;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (to) => onRatio(within((to.clientY - box.top) / box.height, box.height));
    handle.onpointerup = () => {
      handle.onpointermove = null;
    };
  };
  const key = (event: KeyboardEvent): void => {
    const height = bar.current?.parentElement?.clientHeight ?? 600;
    const step = event.key === "ArrowUp" ? -16 : event.key === "ArrowDown" ? 16 : 0;
    if (!step) return;
    event.preventDefault();
    onRatio(within(ratio + step / height, height));
  };
  return (
    <div
      ref={bar}
      className="ov-splitbar"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the list"
      aria-valuenow={Math.round(ratio * 100)}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={key}
      onDoubleClick={() => onRatio(0.5)}
    />
  );
}

/** The page of one object: the same sub-tabs under another head. */
function Page({ resource, address }: { resource: Resource; address: Address }): ReactElement {
  const { id, name } = address.params;
  const [row, setRow] = useState<Row>();
  const [gone, setGone] = useState("");
  useNames();
  useFigures();
  usePlugins();
  useSyncExternalStore(permits.subscribe, permits.version);

  const read = useCallback(async (): Promise<void> => {
    try {
      if (id) setRow(lighten(await get<Row>(`/${resource.collection}/${id}${resource.follow ? `?${resource.follow.slice(1)}` : ""}`)));
      else {
        const found = (await list(`/${resource.collection}?search=${encodeURIComponent(`name="${name ?? ""}"`)}&max=2${resource.follow ?? ""}`))[0];
        if (found) setRow(found);
        else setGone(`${name} is not here any more.`);
      }
    } catch (error) {
      setGone(error instanceof Error && "status" in error && error.status === 404 ? `${id} is not here any more.` : sentencesOf(error).join(" "));
    }
  }, [id, name, resource]);
  useEffect(() => void read(), [read]);
  const rowId = row?.id;
  useEffect(() => {
    if (!rowId) return;
    if (resource.measured) {
      inSight([rowId]);
      figures.look(resource.collection, [rowId]);
    }
    void permits.about(resource.collection, [rowId]);
    const stops = [
      listen("changed", (news) => {
        for (const change of news) {
          if (change.id !== rowId) continue;
          setRow((old) => (old ? { ...old, ...change.values, id: old.id } : old));
          if (!change.fields || change.fields.some((field) => !(field in (change.values ?? {})))) void read();
        }
      }),
      listen("removed", (news) => news.some((change) => change.id === rowId) && setGone("It was removed.")),
      listen("reload", () => void read()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [rowId, resource, read]);
  useEffect(() => {
    if (row) pluginSeam.selected(resource, [row]);
  }, [row, resource]);

  const listHref = formatAddress({ place: resource.place, params: address.params["from"] ? { search: address.params["from"] } : {} });
  if (gone || !row)
    return (
      <div className="ov-place">
        <nav className="ov-crumb" aria-label="Where this is">
          <a href={listHref}>{resource.label}</a>
        </nav>
        {gone && <div className="ov-empty static">{gone}</div>}
      </div>
    );
  const state = resource.state?.(row);
  const sign = resource.sign?.(row);
  const around = lastListOf(resource.collection);
  const index = around?.indexOf(row.id);
  const beside = (step: number, label: string, icon: "left" | "right"): ReactElement | null => {
    const other = index === undefined ? undefined : around?.row(index + step);
    return other ? (
      <a className="ov-button bare" aria-label={`${label}: ${resource.title(other)}`} title={resource.title(other)} href={formatAddress({ ...address, params: { ...address.params, id: other.id, name: "" } })}>
        <Icon name={icon} size={13} />
      </a>
    ) : null;
  };
  return (
    <div className="ov-place page">
      <nav className="ov-crumb" aria-label="Where this is">
        <a href={listHref}>{resource.label}</a>
        <Icon name="right" size={12} />
        {index === undefined ? (
          <span className="ov-muted">{resource.title(row)}</span>
        ) : (
          <span className="ov-muted">
            {count(index + 1)} of {count(around?.total ?? 0)}
          </span>
        )}
        {beside(-1, "Before", "left")}
        {beside(1, "After", "right")}
      </nav>
      <header className="ov-pagehead">
        {state ? <StateIcon state={state} size={20} silent /> : <Icon name={resource.icon} size={20} />}
        <h1>{resource.title(row)}</h1>
        {state?.word && <span className={`ov-pill ${pillTone(state.tone)}`}>{state.word}</span>}
        {sign && <span className="ov-pill amber">{sign.text}</span>}
        {text(row, "comment") && <span className="ov-muted">{text(row, "comment")}</span>}
        <Toolbar resource={resource} rows={[row]} actions={pluginSeam.withActions(resource)} page />
      </header>
      <SubTabs
        resource={resource}
        row={row}
        tab={address.tab}
        onTab={(tab) => router.go({ ...address, tab })}
      />
    </div>
  );
}
