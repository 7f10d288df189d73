/**
 * The one table: a grid of fixed tracks and fixed row height, of which only the rows in sight exist.
 *
 * Does: scroll, keyboard, selection, sorting by the head, widths by dragging. Does not: load rows (`ListStore`) or
 * know entities (`Column`s do).
 */
import {
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type ReactElement,
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Row } from "../api/client";
import type { Mark, Sort } from "../data/ListStore";
import { figures } from "../data/figures";
import type { Column, Resource } from "../resources/declare";
import { DASH } from "../ui/format";
import { StateIcon } from "../ui/StateIcon";
import { Bars, Level } from "./Bars";

const OVERSCAN = 8;
const HEAD = 30;
const LEAST = 48;

export interface TableProps {
  label: string;
  resource: Pick<Resource, "state" | "sign" | "faded" | "one" | "summary" | "measured" | "title">;
  columns: Column[];
  widths: Record<string, number>;
  total: number | undefined;
  rowAt: (index: number) => Row | undefined;
  /** Changes whenever a row may have changed. */
  version: number;
  marks?: ReadonlyMap<string, Mark> | undefined;
  selected: ReadonlySet<string>;
  active: string | undefined;
  sort: Sort | undefined;
  rowHeight: number;
  narrow?: boolean;
  checkable?: boolean;
  href?: ((row: Row) => string) | undefined;
  onLook?: ((from: number, to: number) => void) | undefined;
  onSelect: (selected: ReadonlySet<string>, active: string | undefined) => void;
  onSelectAll?: (() => void) | undefined;
  onOpen?: ((row: Row) => void) | undefined;
  onSort?: ((sort: Sort) => void) | undefined;
  onWidth?: ((column: string, width: number) => void) | undefined;
  onMenu?: ((row: Row | undefined, x: number, y: number) => void) | undefined;
  onScrolled?: ((top: number) => void) | undefined;
}

function tracks(columns: Column[], widths: Record<string, number>, room: number, checkable: boolean): { template: string; least: number } {
  const fixed = (checkable ? 34 : 8) + 26;
  const least = columns.reduce((sum, column) => sum + (widths[column.id] ?? (column.flex ? 140 : column.width)), fixed);
  const spare = Math.max(0, room - least);
  const growing = columns.filter((column) => !column.flex && widths[column.id] === undefined);
  const own = growing.reduce((sum, column) => sum + column.width, 0);
  const factor = own > 0 ? Math.min(1.6, 1 + Math.max(0, spare - 90) / own) : 1;
  const parts = columns.map((column) => {
    const set = widths[column.id];
    if (set !== undefined) return `${set}px`;
    return column.flex ? "minmax(140px,1fr)" : `${Math.round(column.width * factor)}px`;
  });
  if (!columns.some((column) => column.flex && widths[column.id] === undefined)) parts.push("1fr");
  return { template: `${checkable ? "34px " : "8px "}26px ${parts.join(" ")}`, least };
}

function Cell({ column, row }: { column: Column; row: Row }): ReactElement {
  if (column.measure) {
    const kept = figures.of(row.id);
    return <Bars now={kept?.now[column.measure] ?? undefined} past={kept?.past[column.measure]} />;
  }
  const text = column.text(row);
  if (column.level) return <Level value={column.level(row)} text={text} />;
  if (column.render) return <>{column.render(row) ?? DASH}</>;
  return text === "" ? <span className="ov-muted">{DASH}</span> : <>{text}</>;
}

interface RowProps {
  row: Row;
  index: number;
  id: string;
  columns: Column[];
  resource: TableProps["resource"];
  selected: boolean;
  active: boolean;
  mark: Mark | undefined;
  /** Only there to draw again when figures or names change. */
  figures: number;
  version: number;
  href: string | undefined;
  checkable: boolean;
  narrow: boolean;
}

const TableRow = memo(function TableRow({ row, index, id, columns, resource, selected, active, mark, href, checkable, narrow }: RowProps) {
  const state = resource.state?.(row);
  const sign = resource.sign?.(row);
  const name = resource.title(row) || (columns[0]?.text(row) ?? "");
  const classes = ["ov-tr", selected && "selected", active && "active", mark, resource.faded?.(row) && "faded"];
  const check = checkable && (
    <span role="gridcell" className="ov-td frozen c0">
      <input type="checkbox" className="ov-check" aria-label={`Select ${name}`} checked={selected} readOnly tabIndex={-1} data-check />
    </span>
  );
  if (narrow)
    return (
      <div id={id} role="row" aria-label={name} aria-rowindex={index + 2} aria-selected={selected} className={classes.filter(Boolean).join(" ")} data-index={index}>
        {check}
        <span role="gridcell" className="ov-td state">
          {state && <StateIcon state={state} size={18} />}
        </span>
        <span role="gridcell" className="ov-td two">
          {href ? (
            <a className="name" href={href} tabIndex={-1}>
              {name}
            </a>
          ) : (
            <span className="name">{name}</span>
          )}
          <span className="ov-muted">{resource.summary?.(row) ?? state?.word}</span>
        </span>
        {resource.measured && (
          <span role="gridcell" className="ov-td meters">
            {(["cpu", "memory"] as const).map((measure) => {
              const value = figures.now(row.id, measure);
              return (
                value !== undefined && (
                  <span key={measure}>
                    {measure === "cpu" ? "CPU" : "Mem"}
                    <Level value={value} text={`${Math.round(value)} %`} />
                  </span>
                )
              );
            })}
          </span>
        )}
      </div>
    );
  return (
    <div id={id} role="row" aria-label={name} aria-rowindex={index + 2} aria-selected={selected} className={classes.filter(Boolean).join(" ")} data-index={index}>
      {check || <span className="frozen c0" />}
      <span role="gridcell" className="ov-td frozen c1" title={sign?.text}>
        {state && <StateIcon state={state} />}
        {sign && (
          <span className="ov-sign">
            <StateIcon state={sign.state} size={8} />
          </span>
        )}
      </span>
      {columns.map((column, at) => {
        const text = column.measure ? undefined : column.text(row);
        return (
          <span
            key={column.id}
            role="gridcell"
            title={text || undefined}
            className={`ov-td${at === 0 ? ` frozen c2${column.plain ? "" : " name"}` : ""}${column.align === "right" ? " right" : ""}${column.measure || column.level ? " bars" : ""}${column.mono ? " ov-mono" : ""}`}
          >
            {at === 0 && href ? (
              <a href={href} tabIndex={-1}>
                {text || DASH}
              </a>
            ) : (
              <Cell column={column} row={row} />
            )}
          </span>
        );
      })}
    </div>
  );
});

export function Table(props: TableProps): ReactElement {
  const { label, columns, widths, total, rowAt, selected, active, sort, rowHeight, narrow = false, checkable = true } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: 40 });
  const [room, setRoom] = useState(1200);
  const [menuRow, setMenuRow] = useState<string>();
  const rows = total ?? 0;
  const cursor = useRef(0);
  const typed = useRef({ text: "", at: 0 });
  const anchor = useRef<number | undefined>(undefined);
  const grid = `t${useMemo(() => label.replace(/\W/g, ""), [label])}`;

  const measure = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const from = Math.max(0, Math.floor(box.scrollTop / rowHeight) - OVERSCAN);
    const to = Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + OVERSCAN;
    setRange((old) => (old.from === from && old.to === to ? old : { from, to }));
  }, [rowHeight]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const observer = new ResizeObserver(() => {
      setRoom(box.clientWidth);
      measure();
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [measure]);

  const { onLook, onScrolled } = props;
  useEffect(() => {
    onLook?.(range.from, range.to);
  }, [range, onLook, total]);

  const frame = useRef(0);
  const scrolled = (): void => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      measure();
      onScrolled?.(scroller.current?.scrollTop ?? 0);
    });
  };

  const layout = useMemo(() => tracks(columns, widths, room, checkable), [columns, widths, room, checkable]);

  const show = (index: number): void => {
    const box = scroller.current;
    if (!box) return;
    const top = index * rowHeight;
    const head = narrow ? 0 : HEAD;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + rowHeight > box.scrollTop + box.clientHeight - head) box.scrollTop = top + rowHeight - box.clientHeight + head;
  };

  const indexOf = (id: string | undefined): number | undefined => {
    if (id === undefined) return undefined;
    for (let index = range.from; index < Math.min(range.to, rows); index += 1) if (rowAt(index)?.id === id) return index;
    return rowAt(cursor.current)?.id === id ? cursor.current : undefined;
  };

  const choose = (index: number, how: { add?: boolean; range?: boolean; check?: boolean }): void => {
    const row = rowAt(index);
    if (!row) return;
    cursor.current = index;
    if (how.range && anchor.current !== undefined) {
      const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      const set = new Set<string>();
      for (let at = from; at <= to; at += 1) {
        const id = rowAt(at)?.id;
        if (id) set.add(id);
      }
      props.onSelect(set, row.id);
      return;
    }
    anchor.current = index;
    if (how.add || how.check) {
      const set = new Set(selected);
      if (set.has(row.id)) set.delete(row.id);
      else set.add(row.id);
      props.onSelect(set, set.has(row.id) ? row.id : [...set].at(-1));
      return;
    }
    props.onSelect(new Set([row.id]), row.id);
  };

  const indexAt = (event: { target: EventTarget }): number | undefined => {
    const found = (event.target as Element).closest<HTMLElement>("[data-index]")?.dataset["index"];
    return found === undefined ? undefined : Number(found);
  };

  const press = useRef<ReturnType<typeof setTimeout>>(undefined);
  const onClick = (event: MouseEvent): void => {
    const index = indexAt(event);
    if (index === undefined) return;
    const target = event.target as Element;
    if (target.closest("a, button")) return;
    choose(index, {
      add: event.ctrlKey || event.metaKey || (narrow && selected.size > 0),
      range: event.shiftKey,
      check: target.closest("[data-check]") !== null,
    });
  };
  const onContext = (event: MouseEvent): void => {
    if (!props.onMenu) return;
    event.preventDefault();
    const index = indexAt(event);
    const row = index === undefined ? undefined : rowAt(index);
    if (row && !selected.has(row.id) && index !== undefined) choose(index, {});
    setMenuRow(row?.id);
    props.onMenu(row, event.clientX, event.clientY);
  };

  const onKey = (event: KeyboardEvent): void => {
    if (rows === 0 && event.key !== "ContextMenu") return;
    const now = indexOf(active) ?? cursor.current;
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 300) - HEAD) / rowHeight) - 1);
    const to = (index: number): void => {
      event.preventDefault();
      const next = Math.max(0, Math.min(rows - 1, index));
      show(next);
      if (rowAt(next)) choose(next, { range: event.shiftKey });
      else cursor.current = next;
    };
    const row = rowAt(now);
    switch (event.key) {
      case "ArrowDown":
        return to(active === undefined ? 0 : now + 1);
      case "ArrowUp":
        return to(now - 1);
      case "PageDown":
        return to(now + page);
      case "PageUp":
        return to(now - page);
      case "Home":
        return to(0);
      case "End":
        return to(rows - 1);
      case " ":
        event.preventDefault();
        return choose(now, { add: true });
      case "Enter":
        if (row && event.target === event.currentTarget) props.onOpen?.(row);
        return;
      case "Escape":
        if (selected.size > 0) {
          event.stopPropagation();
          props.onSelect(new Set(), undefined);
        }
        return;
      case "ContextMenu":
      case "F10": {
        if (event.key === "F10" && !event.shiftKey) return;
        event.preventDefault();
        const box = document.getElementById(`${grid}-${now}`)?.getBoundingClientRect();
        if (row && !selected.has(row.id)) choose(now, {});
        setMenuRow(row?.id);
        props.onMenu?.(row, (box?.left ?? 200) + 80, box?.bottom ?? 200);
        return;
      }
      default:
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      event.preventDefault();
      props.onSelectAll?.();
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && /[\w.-]/.test(event.key)) {
      const at = Date.now();
      typed.current = { text: at - typed.current.at < 800 ? typed.current.text + event.key : event.key, at };
      const wanted = typed.current.text.toLowerCase();
      if (typed.current.text.length < 2 && "gt".includes(event.key)) return;
      for (let step = 0; step < Math.min(rows, 1000); step += 1) {
        const index = (now + step) % rows;
        const name = columns[0]?.text(rowAt(index) ?? { id: "" }).toLowerCase() ?? "";
        if (name.startsWith(wanted)) return to(index);
      }
    }
  };

  const resize = (column: Column) => (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    const handle = event.currentTarget;
    const start = handle.parentElement?.getBoundingClientRect().width ?? column.width;
    const { clientX } = event;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (to) => props.onWidth?.(column.id, Math.max(LEAST, Math.round(start + to.clientX - clientX)));
    handle.onpointerup = () => {
      handle.onpointermove = null;
    };
  };
  const fit = (column: Column): void => {
    const canvas = document.createElement("canvas").getContext("2d");
    if (!canvas || column.measure) return;
    canvas.font = "600 13px RedHatText, sans-serif";
    let widest = canvas.measureText(column.label).width + 20;
    for (let index = 0; index < Math.min(rows, 500); index += 1) {
      const row = rowAt(index);
      if (row) widest = Math.max(widest, canvas.measureText(column.text(row)).width);
    }
    props.onWidth?.(column.id, Math.max(LEAST, Math.ceil(widest) + 18));
  };

  const sortBy = (column: Column): void => {
    if (!column.sort || !props.onSort) return;
    props.onSort({ field: column.sort, down: sort?.field === column.sort ? !sort.down : false });
  };

  const shown: ReactElement[] = [];
  for (let index = range.from; index < Math.min(range.to, rows); index += 1) {
    const row = rowAt(index);
    if (!row) {
      shown.push(
        <div key={`empty${index}`} className="ov-tr loading" role="row" aria-rowindex={index + 2} style={{ top: index * rowHeight }}>
          <span role="gridcell" className="ov-td" />
        </div>,
      );
      continue;
    }
    shown.push(
      <div key={row.id} role="presentation" className="ov-slot" style={{ top: index * rowHeight }}>
        <TableRow
          row={row}
          index={index}
          id={`${grid}-${index}`}
          columns={columns}
          resource={props.resource}
          selected={selected.has(row.id)}
          active={active === row.id}
          mark={props.marks?.get(row.id)}
          figures={figures.of(row.id)?.version ?? 0}
          version={props.version}
          href={props.href?.(row)}
          checkable={checkable}
          narrow={narrow}
        />
      </div>,
    );
  }
  const activeIndex = indexOf(active);
  const every = rows > 0 && selected.size >= rows;

  return (
    <div
      ref={scroller}
      className={`ov-table${narrow ? " narrow" : ""}${menuRow ? " has-menu" : ""}`}
      role="grid"
      aria-label={label}
      aria-rowcount={total === undefined ? -1 : rows + 1}
      aria-multiselectable
      aria-activedescendant={activeIndex === undefined ? undefined : `${grid}-${activeIndex}`}
      tabIndex={0}
      style={{ "--cols": layout.template, "--row": `${rowHeight}px`, "--least": `${layout.least}px` } as CSSProperties}
      onScroll={scrolled}
      onClick={onClick}
      onContextMenu={onContext}
      onKeyDown={onKey}
      onDoubleClick={(event) => {
        const index = indexAt(event);
        const row = index === undefined ? undefined : rowAt(index);
        if (row) props.onOpen?.(row);
      }}
      onPointerDown={(event) => {
        if (!narrow || event.pointerType === "mouse") return;
        const index = indexAt(event);
        press.current = setTimeout(() => index !== undefined && choose(index, { add: true }), 550);
      }}
      onPointerUp={() => clearTimeout(press.current)}
      onPointerCancel={() => clearTimeout(press.current)}
    >
      {!narrow && (
        <div className="ov-thead" role="row" aria-rowindex={1}>
          {checkable ? (
            <span role="columnheader" className="ov-th frozen c0">
              <input
                type="checkbox"
                className="ov-check"
                aria-label="Select all"
                checked={every}
                ref={(box) => {
                  if (box) box.indeterminate = selected.size > 0 && !every;
                }}
                tabIndex={-1}
                onChange={() => (selected.size > 0 ? props.onSelect(new Set(), undefined) : props.onSelectAll?.())}
              />
            </span>
          ) : (
            <span className="frozen c0" role="presentation" />
          )}
          <span role="columnheader" className="ov-th frozen c1">
            <span className="ov-hidden">State</span>
          </span>
          {columns.map((column, at) => {
            const sorted = sort && column.sort === sort.field;
            return (
              <span
                key={column.id}
                role="columnheader"
                aria-sort={sorted ? (sort.down ? "descending" : "ascending") : undefined}
                className={`ov-th${at === 0 ? " frozen c2" : ""}${column.align === "right" ? " right" : ""}${column.measure ? " bars" : ""}`}
              >
                {column.sort && props.onSort ? (
                  <button type="button" tabIndex={-1} onClick={() => sortBy(column)}>
                    {column.label}
                    {sorted && <span aria-hidden>{sort.down ? " ↓" : " ↑"}</span>}
                  </button>
                ) : (
                  column.label
                )}
                {props.onWidth && <i className="ov-grip" aria-hidden onPointerDown={resize(column)} onDoubleClick={() => fit(column)} />}
              </span>
            );
          })}
        </div>
      )}
      <div className="ov-tbody" role="rowgroup" style={{ height: rows * rowHeight }}>
        {shown}
      </div>
    </div>
  );
}
