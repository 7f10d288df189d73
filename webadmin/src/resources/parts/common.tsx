/** Sub-tabs and actions that many entities have. */
import type { ReactElement } from "react";
import { type Row, remove, text } from "../../api/client";
import { useFigures } from "../../data/figures";
import { useNames, names } from "../../data/names";
import { Facts, type Fact } from "../../ui/Facts";
import type { Action, Column, SubTab } from "../declare";
import { events } from "../events";
import { listTab, subTable } from "./subTable";

/** General: names and values in columns. */
export function factsTab(facts: (row: Row) => Fact[][], more?: (row: Row) => ReactElement): SubTab {
  function General({ row }: { row: Row }): ReactElement {
    useNames();
    useFigures();
    return (
      <div className={more ? "ov-with-load" : ""}>
        <Facts columns={facts(row)} />
        {more?.(row)}
      </div>
    );
  }
  return { token: "general", label: "General", component: General };
}

export const column = (id: string, label: string, width: number, path = id, more: Partial<Column> = {}): Column => ({
  id,
  label,
  width,
  text: (row) => text(row, path),
  ...more,
});

/** Names of several things, the first few in full. */
export const namesOf = (rows: Row[]): string =>
  `${rows
    .slice(0, 10)
    .map((row) => row.name ?? text(row, "description") ?? row.id)
    .join(", ")}${rows.length > 10 ? ` and ${rows.length - 10} more` : ""}`;

export function removeAction(collection: string, title: string, permit: string | undefined, more: Partial<Action> = {}): Action {
  return {
    id: "remove",
    label: "Remove",
    icon: "trash",
    group: "edit",
    on: "each",
    ...(permit ? { permit } : {}),
    confirm: { title, verb: "Remove", danger: true, question: (rows) => `${namesOf(rows)} is removed for good.`.replace(/(,| and ).* is removed/, (all) => all.replace(" is ", " are ")) },
    run: (row) => remove(`/${collection}/${row.id}`),
    done: "removed",
    ...more,
  };
}

export const permissionsTab = (collection: string): SubTab =>
  subTable({
    token: "permissions",
    label: "Permissions",
    place: "Permission",
    one: "permission",
    many: "permissions",
    path: (row) => `/${collection}/${row.id}/permissions`,
    columns: [
      column("user", "User", 220, "", {
        flex: true,
        text: (row) => names.of("users", text(row, "user.id")) || names.of("groups", text(row, "group.id")) || (text(row, "group.id") ? "Everyone" : ""),
      }),
      column("kind", "Kind", 100, "", { text: (row) => (text(row, "group.id") ? "Group" : "User") }),
      column("role", "Role", 200, "", { text: (row) => names.of("roles", text(row, "role.id")) }),
    ],
    actions: (parent) => [
      { id: "add", label: "Add", icon: "plus", group: "new", on: "none", dialog: "permission-add" },
      {
        id: "remove",
        label: "Remove",
        icon: "trash",
        group: "edit",
        on: "each",
        confirm: { title: "Remove Permission", verb: "Remove", danger: true, question: (rows) => `${rows.length === 1 ? "The permission is" : `${rows.length} permissions are`} taken away.` },
        run: (row) => remove(`/${collection}/${parent.id}/permissions/${row.id}`),
        done: "taken away",
      },
    ],
  });

export const eventsTab = (field: string): SubTab =>
  listTab({ token: "events", label: "Events", place: "Event", of: () => events, search: (row) => `${field}=${row.id}` });

export const tagsAction: Action = { id: "tags", label: "Assign Tags", icon: "tag", group: "tags", on: "all", more: true, dialog: "assign-tags" };
