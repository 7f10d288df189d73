/**
 * The search: names its entity, completes what may come next, says in place what is wrong.
 *
 * Does: ask the engine for completions (the last answer wins), run the search in its own place. Does not: know the language.
 */
import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";
import { type Row, get, list, post } from "../api/client";
import { sentencesOf } from "../api/fault";
import { outdated } from "../data/queries";
import { hasDialog, openDialog } from "../dialogs/registry";
import { RESOURCES, byPlace, byPrefix } from "../resources";
import type { Resource } from "../resources/declare";
import { type Address, formatAddress, router } from "../router";
import { Icon } from "../ui/Icon";
import { StateIcon } from "../ui/StateIcon";
import { useNarrow } from "./narrow";
import { notify } from "./notices";
import { scopeOf, scopeText } from "./scope";
import { scopeLabel } from "./Tree";

interface Proposal {
  text: string;
  insert: string;
  kind: string;
  type?: string;
}
interface Completion {
  entity: string | null;
  query: string;
  from: number;
  to: number;
  items: Proposal[];
  error: { at: number; text: string } | null;
}

interface Found {
  resource: Resource;
  row: Row;
}

/** The first few of each kind whose names hold a text. */
async function findNames(text: string, signal: AbortSignal): Promise<Found[]> {
  const kinds = RESOURCES.filter((resource) => resource.columns[0]?.sort === "name" || resource.place === "disks");
  const found = await Promise.all(
    kinds.map(async (resource) => {
      const field = resource.place === "disks" ? "alias" : "name";
      const rows = await list(`/${resource.collection}?search=${encodeURIComponent(`${field} = *${text}*`)}&max=3`, { signal });
      return rows.map((row) => ({ resource, row }));
    }),
  );
  return found.flat();
}

const DEBOUNCE = 60;
const KINDS: Record<string, string> = {
  entity: "Next: what to look for",
  field: "Next: a field",
  object: "Next: a field",
  operator: "Next: a comparison",
  value: "Next: a value",
  keyword: "Then",
};

export function SearchBox({ address, onLeave }: { address: Address; onLeave: () => void }): ReactElement {
  const narrow = useNarrow();
  const resource = byPlace(address.place);
  const scope = scopeOf(address);
  const stood = resource ? (address.params["search"] ? `${resource.prefix}: ${address.params["search"]}` : "") : "";
  const [value, setValue] = useState(stood);
  const [focused, setFocused] = useState(false);
  const [found, setFound] = useState<Completion>();
  const [chosen, setChosen] = useState(-1);
  const [told, setTold] = useState(false);
  const [named, setNamed] = useState<Found[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const asked = useRef<AbortController>(undefined);

  useEffect(() => {
    setValue(stood);
    close();
  }, [stood, address.place]);
  useEffect(() => {
    const key = (event: globalThis.KeyboardEvent): void => {
      const target = event.target as Element;
      if (event.key !== "/" || event.ctrlKey || target.closest("input, textarea, select, dialog, [contenteditable]")) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);

  function close(): void {
    clearTimeout(timer.current);
    asked.current?.abort();
    setFound(undefined);
    setNamed([]);
    setTold(false);
  }
  const complete = (text: string, at: number): void => {
    clearTimeout(timer.current);
    setTold(false);
    timer.current = setTimeout(() => {
      asked.current?.abort();
      const controller = new AbortController();
      asked.current = controller;
      const entity = resource && !text.includes(":") ? `&entity=${resource.collection}` : "";
      get<Completion>(`/ovis/completion?q=${encodeURIComponent(text)}&at=${at}&max=12${text.trim() ? entity : ""}`, { signal: controller.signal }).then(
        (answer) => {
          setFound(answer);
          setChosen(-1);
        },
        () => undefined,
      );
      if (/^[\w.-]{2,}$/.test(text.trim())) findNames(text.trim(), controller.signal).then(setNamed, () => undefined);
      else setNamed([]);
    }, DEBOUNCE);
  };
  const change = (text: string): void => {
    setValue(text);
    complete(text, input.current?.selectionStart ?? text.length);
  };
  const take = (proposal: Proposal): void => {
    if (!found) return;
    const next = value.slice(0, found.from) + proposal.insert + value.slice(found.to);
    setValue(next);
    const at = found.from + proposal.insert.length;
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
    complete(next, at);
    input.current?.focus();
  };
  const run = async (): Promise<void> => {
    const text = value.trim();
    clearTimeout(timer.current);
    if (text) {
      const entity = resource && !text.includes(":") ? `&entity=${resource.collection}` : "";
      const checked = await get<Completion>(`/ovis/completion?q=${encodeURIComponent(text)}&max=12${entity}`).catch(() => undefined);
      if (checked?.error) {
        setFound(checked);
        setTold(true);
        return;
      }
    }
    const parts = /^([A-Za-z]+)\s*:\s*(.*)$/s.exec(text);
    const target = (parts && byPrefix(parts[1] ?? "")) || (parts ? undefined : (resource ?? byPrefix("Vms")));
    if (!target) {
      notify("warning", `${parts?.[1] ?? text}: there is no list of that name.`);
      return;
    }
    const search = parts ? (parts[2] ?? "").trim() : text;
    close();
    const keep = target === resource ? address.params["scope"] : undefined;
    router.go({ place: target.place, params: { search, ...(keep ? { scope: keep } : {}) } });
  };
  const keys = (event: KeyboardEvent): void => {
    const items = found?.items ?? [];
    const move = (to: number): void => {
      event.preventDefault();
      setChosen(items.length === 0 ? -1 : (to + items.length) % items.length);
    };
    if (event.key === "ArrowDown") move(chosen + 1);
    else if (event.key === "ArrowUp") move(chosen < 0 ? items.length - 1 : chosen - 1);
    else if (event.key === "Tab" && !event.shiftKey && found && items.length > 0) {
      const proposal = items[Math.max(0, chosen)];
      if (!proposal) return;
      event.preventDefault();
      take(proposal);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const proposal = items[chosen];
      if (proposal) take(proposal);
      else void run();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (found) setFound(undefined);
      else {
        setValue(stood);
        input.current?.blur();
      }
    }
  };
  const bookmark = (): void => {
    const text = value.trim() || (resource ? `${resource.prefix}:` : "");
    if (!text) return;
    if (hasDialog("bookmark")) {
      openDialog("bookmark", undefined, undefined, { value: text });
      return;
    }
    post("/bookmarks", { name: text.slice(0, 40), value: text }).then(
      () => {
        notify("success", `${text} is kept among the bookmarks.`);
        outdated("/bookmarks");
      },
      (error: unknown) => notify("danger", "The bookmark was not kept.", sentencesOf(error).join(" ")),
    );
  };

  const items = focused ? (found?.items ?? []) : [];
  const error = focused && found?.error && value.trim() && (told || found.error.at < value.trimEnd().length) ? found.error : null;
  const open = focused && (items.length > 0 || error !== null || named.length > 0);
  const narrowedBy = scope && resource && scopeText(resource, scope) ? scope : undefined;
  let kind = "";
  return (
    <div className="ov-search" role="search">
      <div className={`box${error ? " wrong" : ""}`}>
        <Icon name="search" />
        {narrowedBy && (
          <span className="ov-pill accent">
            {scopeLabel(narrowedBy)}
            <button type="button" aria-label={`Not only ${scopeLabel(narrowedBy)}`} onClick={() => router.set({ scope: undefined })}>
              <Icon name="close" size={10} />
            </button>
          </span>
        )}
        <input
          ref={input}
          role="combobox"
          aria-label="Search"
          aria-expanded={open}
          aria-controls="ov-search-list"
          aria-autocomplete="list"
          aria-activedescendant={chosen >= 0 ? `ov-search-${chosen}` : undefined}
          aria-invalid={error ? true : undefined}
          placeholder={resource ? `${resource.prefix}: ` : "Search VMs, hosts, disks, events, or type Vms: …"}
          spellCheck={false}
          autoFocus={narrow}
          autoComplete="off"
          value={value}
          onChange={(event) => change(event.target.value)}
          onFocus={() => {
            setFocused(true);
            complete(value, input.current?.selectionStart ?? value.length);
          }}
          onBlur={() => {
            setFocused(false);
            close();
            onLeave();
          }}
          onKeyDown={keys}
        />
        {value !== "" && (
          <button type="button" className="sign" aria-label="Clear search" title="Clear" onClick={() => (value === stood && stood ? router.set({ search: undefined }) : setValue(""))}>
            <Icon name="close" size={12} />
          </button>
        )}
        {!focused && <kbd aria-hidden>/</kbd>}
        <button type="button" className="sign" aria-label="Keep as a bookmark" title="Keep as a bookmark" onClick={bookmark}>
          <Icon name="star" />
        </button>
      </div>
      {open && (
        <div className="list">
          {error && (
            <p className="wrong" role="alert">
              {error.text}
              <code>
                {value.slice(0, error.at)}
                <mark>{value.slice(error.at) || " "}</mark>
              </code>
            </p>
          )}
          <ul id="ov-search-list" role="listbox" aria-label="Completions">
            {items.map((item, index) => {
              const head = KINDS[item.kind] ?? "";
              const first = head !== kind;
              kind = head;
              return (
                <li key={`${item.kind}${item.text}`} role="none">
                  {first && <p className="head">{head}</p>}
                  <div
                    id={`ov-search-${index}`}
                    role="option"
                    aria-selected={index === chosen}
                    className={index === chosen ? "chosen" : ""}
                    onPointerDown={(event) => {
                      event.preventDefault();
                      take(item);
                    }}
                  >
                    {item.text}
                    {item.type && <span className="ov-muted">{item.type}</span>}
                  </div>
                </li>
              );
            })}
          </ul>
          {named.length > 0 && (
            <ul aria-label="Names">
              {named.map(({ resource: of, row }, index) => (
                <li key={row.id}>
                  {named[index - 1]?.resource !== of && <p className="head">{of.label}</p>}
                  <a
                    className="hit"
                    href={formatAddress({ place: of.place, tab: of.tabs[0]?.token, params: { id: row.id } })}
                    onPointerDown={(event) => event.preventDefault()}
                    onClick={() => input.current?.blur()}
                  >
                    {of.state && <StateIcon state={of.state(row)} />}
                    {of.title(row)}
                  </a>
                </li>
              ))}
            </ul>
          )}
          <p className="keys">
            <kbd>Tab</kbd> complete <kbd>Enter</kbd> search <kbd>Esc</kbd> close
          </p>
        </div>
      )}
    </div>
  );
}
