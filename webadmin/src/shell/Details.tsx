/** What is known of one object, in sub-tabs: below the list, or as a page of its own. */
import { type KeyboardEvent, type ReactElement, Suspense, useEffect } from "react";
import { type Row, text } from "../api/client";
import { useFigures } from "../data/figures";
import type { Resource, SubTab } from "../resources/declare";
import { Boundary } from "../ui/Boundary";
import { Icon } from "../ui/Icon";
import { StateIcon } from "../ui/StateIcon";
import { formatAddress } from "../router";
import { pluginSeam } from "../plugins/seam";

export const tabsOf = (resource: Resource): SubTab[] => [...resource.tabs, ...pluginSeam.subTabs(resource.entity)];

interface Props {
  resource: Resource;
  row: Row;
  tab: string | undefined;
  onTab: (token: string) => void;
}

/** The sub-tabs and the chosen one's content. */
export function SubTabs({ resource, row, tab, onTab }: Props): ReactElement {
  const tabs = tabsOf(resource);
  const chosen = tabs.find((other) => other.token === tab) ?? tabs[0];
  const Content = chosen?.component;
  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step || !chosen) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(chosen) + step + tabs.length) % tabs.length];
    if (next) onTab(next.token);
    (event.currentTarget.querySelectorAll("[role=tab]")[tabs.indexOf(next ?? chosen)] as HTMLElement | undefined)?.focus();
  };
  useEffect(() => {
    const keys = (event: globalThis.KeyboardEvent): void => {
      if ((event.key !== "[" && event.key !== "]") || (event.target as Element).closest("input, textarea, select, dialog")) return;
      const at = tabs.indexOf(chosen as SubTab) + (event.key === "]" ? 1 : -1);
      const next = tabs[(at + tabs.length) % tabs.length];
      if (next) onTab(next.token);
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });
  return (
    <>
      <div className="ov-subtabs" role="tablist" aria-label={`Details of ${resource.title(row)}`} onKeyDown={move}>
        {tabs.map((other) => (
          <button
            key={other.token}
            type="button"
            role="tab"
            aria-selected={other === chosen}
            aria-label={other.label}
            tabIndex={other === chosen ? 0 : -1}
            onClick={() => onTab(other.token)}
          >
            {pluginSeam.isPlugin(other) && <Icon name="plug" size={13} />}
            {other.label}
            {other.count?.(row) !== undefined && <span className="number" data-number={other.count(row)} />}
          </button>
        ))}
      </div>
      <div className="ov-subtab" role="tabpanel" tabIndex={0} aria-label={chosen?.label} key={`${chosen?.token}/${row.id}`}>
        {Content && (
          <Boundary what={`The sub-tab ${chosen.label}`}>
            <Suspense fallback={<div className="ov-loading" aria-busy />}>
              <Content row={row} resource={resource} />
            </Suspense>
          </Boundary>
        )}
      </div>
    </>
  );
}

export function pillTone(tone: string): string {
  return tone === "grey" ? "" : tone;
}

/** Below the list. */
export function Split({ resource, row, tab, onTab, selected, onHide }: Props & { selected: number; onHide: () => void }): ReactElement {
  useFigures();
  const state = resource.state?.(row);
  const place = { place: resource.place, tab: tab ?? resource.tabs[0]?.token, params: { id: row.id } };
  return (
    <section className="ov-details" aria-label={`Details of ${resource.title(row)}`}>
      <header>
        {state ? <StateIcon state={state} silent /> : <Icon name={resource.icon} />}
        <h2>{resource.title(row)}</h2>
        {state?.word && <span className={`ov-pill ${pillTone(state.tone)}`}>{state.word}</span>}
        {text(row, "comment") && <span className="ov-muted">{text(row, "comment")}</span>}
        {selected > 1 && <span className="ov-muted">shown: last of {selected} selected</span>}
        <span className="space" />
        <a className="ov-button bare" href={formatAddress(place)} aria-label="Open as page" title="Open as page">
          <Icon name="expand" />
        </a>
        <button type="button" className="ov-button bare" aria-label="Hide details" title="Hide details" onClick={onHide}>
          <Icon name="close" />
        </button>
      </header>
      <SubTabs resource={resource} row={row} tab={tab} onTab={onTab} />
    </section>
  );
}
