/**
 * Actions of a selection: as many as fit as buttons, the rest in "More actions"; the same, whole, as a context menu.
 *
 * Does not: decide what is possible (`possible` does).
 */
import { type ReactElement, useLayoutEffect, useRef, useState } from "react";
import type { Row } from "../api/client";
import type { Action, Resource } from "../resources/declare";
import { Icon } from "../ui/Icon";
import { type Entry, MenuButton } from "../ui/Menu";
import { Tip } from "../ui/Tip";
import { type Possible, act, possible } from "./acting";

export function entriesOf(actions: Action[], resource: Resource, rows: Row[], params: Record<string, string> = {}): Entry[] {
  const entries: Entry[] = [];
  let group: string | undefined;
  for (const action of actions) {
    const found = possible(action, resource, rows);
    if (!found) continue;
    if (group !== undefined && group !== action.group && entries.length > 0) entries.push("line");
    group = action.group;
    entries.push({
      label: action.label,
      icon: action.icon,
      hint: found.hint,
      reason: found.reason,
      disabled: found.disabled,
      onSelect: () => act(found, resource, params),
    });
  }
  return entries;
}

function ActionButton({ found, resource, primary, params }: { found: Possible; resource: Resource; primary: boolean; params: Record<string, string> }): ReactElement {
  const { action } = found;
  return (
    <Tip text={found.reason}>
      <button
        type="button"
        className={`ov-button${primary ? " primary" : ""}`}
        aria-disabled={found.disabled || undefined}
        onClick={() => act(found, resource, params)}
      >
        {action.icon && <Icon name={action.icon} size={14} />}
        {action.label}
      </button>
    </Tip>
  );
}

interface Props {
  resource: Resource;
  rows: Row[];
  /** Instead of the resource's own. */
  actions?: Action[];
  params?: Record<string, string>;
  /** No New, as on a page. */
  page?: boolean;
}

export function Toolbar({ resource, rows, actions = resource.actions, params = {}, page = false }: Props): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const [fits, setFits] = useState(99);
  const offered = actions.filter((action) => !(page && action.on === "none") && action.plugin?.where !== "menu");
  const direct = offered
    .filter((action) => !action.more && !action.under)
    .map((action) => possible(action, resource, rows))
    .filter((found) => found !== undefined);
  const key = direct.map(({ action }) => action.id).join();

  useLayoutEffect(() => {
    const tools = box.current;
    if (!tools) return;
    const measure = (): void => {
      const room = tools.clientWidth - 44;
      let used = 0;
      let number = 0;
      for (const child of tools.querySelectorAll<HTMLElement>("[data-tool]")) {
        used += child.dataset["width"] ? Number(child.dataset["width"]) : child.offsetWidth + 4;
        child.dataset["width"] ??= String(child.offsetWidth + 4);
        if (used > room) break;
        number += 1;
      }
      setFits(number);
    };
    setFits(99);
    for (const child of tools.querySelectorAll<HTMLElement>("[data-tool]")) delete child.dataset["width"];
    const observer = new ResizeObserver(measure);
    observer.observe(tools);
    return () => observer.disconnect();
  }, [key]);

  const shown = direct.slice(0, fits);
  const shownIds = new Set(shown.map(({ action }) => action.id));
  const rest = offered.filter((action) => !shownIds.has(action.id) && !(action.under && shownIds.has(action.under)));
  let group: string | undefined;
  return (
    <div className="ov-tools" ref={box} role="toolbar" aria-label="Actions">
      {direct.map((found, index) => {
        const { action } = found;
        const line = group !== undefined && group !== action.group && group !== "new";
        group = action.group;
        const below = offered.filter((other) => other.under === action.id);
        return (
          <span key={action.id} data-tool className={index >= fits ? "gone" : ""} hidden={index >= fits}>
            {line && <i className="line" aria-hidden />}
            <ActionButton found={found} resource={resource} primary={!page && action.id === "new"} params={params} />
            {below.length > 0 && entriesOf(below, resource, rows, params).length > 0 && (
              <MenuButton label={`${action.label} options`} className="ov-button bare arrow" entries={() => entriesOf(below, resource, rows, params)}>
                <Icon name="down" size={12} />
              </MenuButton>
            )}
          </span>
        );
      })}
      {rest.some((action) => possible(action, resource, rows)) && (
        <MenuButton label="More actions" entries={() => entriesOf(rest, resource, rows, params)} align="end">
          <Icon name="kebab" />
        </MenuButton>
      )}
    </div>
  );
}
