/** Bookmarks and tags at the tree's foot. */
import { type ReactElement, type ReactNode, useState } from "react";
import { type Row, remove, text } from "../api/client";
import { useOption } from "../data/options";
import { useRows } from "../data/queries";
import { hasDialog, openDialog } from "../dialogs/registry";
import { byPlace, byPrefix } from "../resources";
import { formatAddress, router, useAddress } from "../router";
import { Icon, type IconName } from "../ui/Icon";
import { MenuButton } from "../ui/Menu";
import { sentencesOf } from "../api/fault";
import { askFirst } from "./acting";
import { notify } from "./notices";
import { quoted } from "./scope";

function Fold({ id, label, icon, count, children, onNew }: { id: string; label: string; icon: IconName; count: number; children: ReactNode; onNew?: (() => void) | undefined }): ReactElement {
  const [open, setOpen] = useOption<boolean>(`tree.${id}`, false);
  return (
    <section className={`ov-fold${open ? " open" : ""}`}>
      <h3>
        <button type="button" aria-expanded={open} aria-label={label} onClick={() => setOpen(!open)}>
          <Icon name={open ? "down" : "right"} size={12} />
          <Icon name={icon} size={15} />
          <span className="label">{label}</span>
          <span className="number" data-number={count} />
        </button>
        {open && onNew && (
          <button type="button" className="ov-button bare" aria-label={`New in ${label}`} title="New" onClick={onNew}>
            <Icon name="plus" size={13} />
          </button>
        )}
      </h3>
      {open && children}
    </section>
  );
}

/** Where a search like `Vms: status = up` is to be seen. */
export function addressOfSearch(search: string): string | undefined {
  const found = /^\s*([A-Za-z]+)\s*:\s*(.*)$/s.exec(search);
  const resource = found && byPrefix(found[1] ?? "");
  return resource ? formatAddress({ place: resource.place, params: { search: (found?.[2] ?? "").trim() } }) : undefined;
}

async function removeRow(path: string, what: string): Promise<void> {
  try {
    await remove(path);
  } catch (error) {
    notify("danger", `${what} was not removed.`, sentencesOf(error).join(" "));
  }
}

export function Bookmarks(): ReactElement {
  const { data } = useRows("/bookmarks");
  const rows = data ?? [];
  return (
    <Fold id="bookmarks" label="Bookmarks" icon="bookmark" count={rows.length} onNew={hasDialog("bookmark") ? () => openDialog("bookmark", undefined) : undefined}>
      <ul className="ov-marks" aria-label="Bookmarks">
        {rows.map((row) => (
          <li key={row.id}>
            <a href={addressOfSearch(text(row, "value")) ?? "#"} title={text(row, "value")}>
              {row.name}
            </a>
            <MarkMenu row={row} dialog="bookmark" path={`/bookmarks/${row.id}`} what="The bookmark" />
          </li>
        ))}
        {rows.length === 0 && <li className="ov-muted">The star in the search box keeps a search here.</li>}
      </ul>
    </Fold>
  );
}

function MarkMenu({ row, dialog, path, what }: { row: Row; dialog: string; path: string; what: string }): ReactElement {
  return (
    <MenuButton
      label={`Actions of ${row.name}`}
      align="end"
      entries={() => [
        ...(hasDialog(dialog) ? [{ label: "Edit", icon: "pencil" as const, onSelect: () => openDialog(dialog, row) }] : []),
        {
          label: "Remove",
          icon: "trash",
          onSelect: () =>
            askFirst({ title: `Remove ${dialog === "tag" ? "Tag" : "Bookmark"}`, text: `${row.name} is removed.`, verb: "Remove", danger: true, yes: () => void removeRow(path, what) }),
        },
      ]}
    >
      <Icon name="kebab" size={13} />
    </MenuButton>
  );
}

export function Tags(): ReactElement {
  const { data } = useRows("/tags");
  const address = useAddress();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const rows = (data ?? []).filter((row) => text(row, "parent.id") !== "" || row.name !== "root");
  const below = (parent: string | undefined): Row[] =>
    rows.filter((row) => (parent === undefined ? !rows.some((other) => other.id === text(row, "parent.id")) : text(row, "parent.id") === parent));
  const resource = byPlace(address.place);
  const draw = (parent: string | undefined, depth: number): ReactNode =>
    below(parent).map((row) => {
      const children = below(row.id).length > 0;
      const search = `tag = ${quoted(row.name ?? "")}`;
      const active = address.params["search"] === search;
      return (
        <li key={row.id}>
          <div style={{ paddingLeft: depth * 14 }}>
            {children ? (
              <button
                type="button"
                className="fold"
                aria-label={`${folded.has(row.id) ? "Unfold" : "Fold"} ${row.name}`}
                onClick={() => setFolded(new Set(folded.has(row.id) ? [...folded].filter((id) => id !== row.id) : [...folded, row.id]))}
              >
                <Icon name={folded.has(row.id) ? "right" : "down"} size={11} />
              </button>
            ) : (
              <span className="fold" />
            )}
            <a
              href={formatAddress({ place: resource && ["vms", "hosts", "templates", "users"].includes(resource.place) ? resource.place : "vms", params: active ? {} : { search } })}
              aria-current={active || undefined}
              title={text(row, "description")}
              onClick={() => router.set({})}
            >
              {row.name}
            </a>
            <MarkMenu row={row} dialog="tag" path={`/tags/${row.id}`} what="The tag" />
          </div>
          {children && !folded.has(row.id) && <ul>{draw(row.id, depth + 1)}</ul>}
        </li>
      );
    });
  return (
    <Fold id="tags" label="Tags" icon="tag" count={rows.length} onNew={hasDialog("tag") ? () => openDialog("tag", undefined) : undefined}>
      <ul className="ov-marks" aria-label="Tags">
        {draw(undefined, 0)}
        {rows.length === 0 && <li className="ov-muted">No tags yet.</li>}
      </ul>
    </Fold>
  );
}
