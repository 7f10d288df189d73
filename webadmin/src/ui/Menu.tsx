/**
 * Menus: of a button, or at the pointer.
 *
 * Does: float, keyboard (arrows, Home, End, letters, Esc), give the focus back. Does not: decide what is in it.
 */
import { type KeyboardEvent, type ReactElement, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Anchor, placeBeside } from "./floating";
import { Icon, type IconName } from "./Icon";

export interface Item {
  label: string;
  icon?: IconName | undefined;
  /** At the right edge: why not, or how many. */
  hint?: string | undefined;
  /** The whole reason, spoken and shown on hover. */
  reason?: string | undefined;
  disabled?: boolean | undefined;
  href?: string | undefined;
  checked?: boolean | undefined;
  /** Stays open after a choice (lists of check boxes). */
  stays?: boolean | undefined;
  onSelect?: (() => void) | undefined;
}
export type Entry = Item | "line";

interface Props {
  entries: Entry[];
  anchor: Anchor;
  align?: "start" | "end" | "point";
  label: string;
  onClose: () => void;
}

export function Menu({ entries, anchor, align = "start", label, onClose }: Props): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const before = useRef<Element | null>(null);

  useLayoutEffect(() => {
    const menu = box.current;
    if (!menu) return;
    before.current = document.activeElement;
    menu.showPopover();
    placeBeside(menu, anchor, align);
    (menu.querySelector<HTMLElement>("[role^=menuitem]:not([aria-disabled=true])") ?? menu).focus();
    return () => {
      if (before.current instanceof HTMLElement && menu.contains(document.activeElement)) before.current.focus();
    };
    // The menu stays where it opened.
    // oxlint-disable-next-line react/exhaustive-deps
  }, []);

  useEffect(() => {
    const away = (event: Event): void => {
      if (!(event.target instanceof Node) || !box.current?.contains(event.target)) onClose();
    };
    const timer = setTimeout(() => {
      addEventListener("pointerdown", away, true);
      addEventListener("contextmenu", away, true);
    });
    addEventListener("resize", onClose);
    addEventListener("blur", onClose);
    return () => {
      clearTimeout(timer);
      removeEventListener("pointerdown", away, true);
      removeEventListener("contextmenu", away, true);
      removeEventListener("resize", onClose);
      removeEventListener("blur", onClose);
    };
  }, [onClose]);

  const onKey = (event: KeyboardEvent): void => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const now = all.indexOf(document.activeElement as HTMLElement);
    const move = (to: number): void => {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    };
    event.stopPropagation();
    if (event.key === "ArrowDown") move(now + 1);
    else if (event.key === "ArrowUp") move(now - 1);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(all.length - 1);
    else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      if (before.current instanceof HTMLElement) before.current.focus();
      onClose();
    } else if (event.key.length === 1 && /\S/.test(event.key)) {
      const wanted = event.key.toLowerCase();
      const next = [...all.slice(now + 1), ...all.slice(0, now + 1)].find((item) =>
        item.dataset["label"]?.toLowerCase().startsWith(wanted),
      );
      next?.focus();
    }
  };

  const choose = (item: Item): void => {
    if (item.disabled) return;
    if (!item.stays) {
      if (before.current instanceof HTMLElement) before.current.focus();
      onClose();
    }
    item.onSelect?.();
  };

  let lines = 0;
  return (
    <div ref={box} className="ov-menu" popover="manual" role="menu" aria-label={label} tabIndex={-1} onKeyDown={onKey}>
      {entries.map((entry) =>
        entry === "line" ? (
          <hr key={`line${lines++}`} />
        ) : (
          <MenuItem key={entry.label} item={entry} onChoose={() => choose(entry)} />
        ),
      )}
    </div>
  );
}

function MenuItem({ item, onChoose }: { item: Item; onChoose: () => void }): ReactElement {
  const inner = (
    <>
      <span className="icon">
        {item.checked !== undefined ? item.checked && <Icon name="check" /> : item.icon && <Icon name={item.icon} />}
      </span>
      <span className="label">{item.label}</span>
      {item.hint && (
        <span className="hint" aria-hidden>
          {item.hint}
        </span>
      )}
    </>
  );
  const common = {
    className: "ov-menu-item",
    role: item.checked === undefined ? "menuitem" : "menuitemcheckbox",
    tabIndex: -1,
    title: item.reason,
    "data-label": item.label,
    "aria-label": item.label,
    "aria-disabled": item.disabled || undefined,
    "aria-description": item.reason,
    ...(item.checked === undefined ? {} : { "aria-checked": item.checked }),
    onMouseEnter: (event: { currentTarget: HTMLElement }) => event.currentTarget.focus(),
  };
  return item.href && !item.disabled ? (
    <a {...common} href={item.href} onClick={onChoose}>
      {inner}
    </a>
  ) : (
    <button {...common} type="button" onClick={onChoose}>
      {inner}
    </button>
  );
}

interface ButtonProps {
  label: string;
  entries: () => Entry[];
  className?: string;
  children: ReactNode;
  align?: "start" | "end";
}

/** A button that opens a menu. */
export function MenuButton({ label, entries, className = "ov-button bare", children, align = "start" }: ButtonProps): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  const [anchor, setAnchor] = useState<Anchor | null>(null);
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={() => setAnchor(anchor ? null : (button.current?.getBoundingClientRect() ?? null))}
      >
        {children}
      </button>
      {anchor && <Menu entries={entries()} anchor={anchor} align={align} label={label} onClose={() => setAnchor(null)} />}
    </>
  );
}
