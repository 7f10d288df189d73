/**
 * The plugin host in this page: what plugins added becomes places, sub-tabs, buttons and dialogs of the frame.
 *
 * Does not: decide what plugins may do (`host` does).
 */
import { type ReactElement, useEffect, useState } from "react";
import { ENGINE } from "../api/base";
import type { Row } from "../api/client";
import { type State, session } from "../api/session";
import { byPrefix } from "../resources";
import type { SubTab } from "../resources/declare";
import { router } from "../router";
import { notify } from "../shell/notices";
import { scopeOf } from "../shell/scope";
import { theme } from "../shell/theme";
import { Dialog } from "../ui/Dialog";
import { type Button, type Definition, PluginHost, type Tab } from "./host";
import { itemOf } from "./items";
import { type PluginAction, pluginSeam, usePlugins } from "./seam";
import "./plugins.css";

const SILENT_MS = 10_000;
const TREE = { datacenter: "DataCenter", cluster: "Cluster", host: "Host", storage: "Storage", network: "Network", template: "Templates" } as const;
const LEVELS = { info: "info", warning: "warn", severe: "error" } as const;
const given = (globalThis as { pluginDefinitions?: Definition[] }).pluginDefinitions;

export const plugins: PluginHost = new PluginHost(
  {
    who: () => {
      const who = session.who();
      return who && { user: who.user, userId: who.user_id, token: who.token };
    },
    baseUrl: () => ENGINE,
    locale: () => document.documentElement.lang || "en-US",
    place: () => location.hash.replace(/^#/, "").split(";")[0] ?? "",
    reveal: (token) => (location.hash = token),
    search: (text) => {
      const colon = text.indexOf(":");
      const resource = byPrefix(text.slice(0, Math.max(0, colon)).trim());
      if (resource) router.go({ place: resource.place, params: { search: text.slice(colon + 1).trim() } });
    },
    toast: (kind, text, ms) => notify(kind === "danger" || kind === "warning" || kind === "success" ? kind : "info", text, undefined, ms),
    rootTag: () => ({ name: "root", description: "root", selected: false, children: [] }),
    log: (level, text) => console[LEVELS[level]](text),
    load: ({ name, url }) => {
      const frame = document.createElement("iframe");
      frame.style.cssText = "position:absolute;width:0;height:0;border:0;visibility:hidden";
      frame.tabIndex = -1;
      frame.title = `Plugin ${name}`;
      frame.ariaHidden = "true";
      frame.src = url;
      document.body.append(frame);
      return () => frame.remove();
    },
    changed: () => arrange(),
  },
  given ?? [],
);
Object.assign(globalThis, { pluginApi: plugins.pluginApi });
addEventListener("message", (event) => plugins.message(event.data, event.origin, event.source));
pluginSeam.onSelected((resource, rows) => plugins.selected(resource.entity, rows.map((row) => itemOf(resource.entity, row))));

let scope: string | undefined;
router.subscribe(() => {
  const found = scopeOf(router.address());
  const key = `${found?.kind}:${found?.name}`;
  if (key === scope) return;
  scope = key;
  plugins.tell("SystemTreeSelectionChange", [found ? { type: TREE[found.kind], entity: { name: found.name } } : { type: "System" }]);
});

let phase: State["phase"] = "unknown";
/** Plugins begin with the first sign-in, and end with the page that is left by signing out. */
export function followSession(state: State): void {
  if (state.phase === phase) return;
  const before = phase;
  phase = state.phase;
  if (phase === "in" && before === "again") plugins.signedIn();
  else if (phase === "in") plugins.begin();
  else if (phase === "out" && before !== "unknown") {
    plugins.tell("UserLogout", []);
    if (given && given.length > 0) location.reload(); // nothing of one person's plugins stays for the next
  }
}

const places = new Map<string, () => ReactElement | null>();
const subTabs = new Map<string, SubTab["component"]>();
/** The same component for the same tab: its frame stays when something else changes. */
function once<T>(kept: Map<string, T>, key: string, make: () => T): T {
  const found = kept.get(key) ?? make();
  kept.set(key, found);
  return found;
}
const find = (entity: string | undefined, token: string): Tab | undefined => plugins.tabs.find((tab) => tab.entity === entity && tab.token === token);

function action(button: Button, entityOfRows: string, parent?: { entity: string; row: Row }): PluginAction {
  const about = (rows: Row[]): Parameters<Button["click"]> => [
    rows.map((row) => itemOf(entityOfRows, row)),
    parent && itemOf(parent.entity, parent.row),
  ];
  return {
    at: button.index,
    action: {
      id: button.id,
      label: button.label,
      icon: "plug",
      group: "plugins",
      on: "all",
      more: button.more,
      plugin: {
        where: button.where,
        accessible: (rows) => button.accessible(...about(rows)),
        enabled: (rows) => button.enabled(...about(rows)),
        click: (rows) => button.click(...about(rows)),
      },
    },
  };
}

function arrange(): void {
  const shown = plugins.tabs.filter((tab) => tab.accessible);
  const tabs = new Map<string, SubTab[]>();
  for (const { entity, token, label } of shown) {
    if (entity === undefined) continue;
    const component = once(subTabs, `${entity} ${token}`, () => () => <TabFrame entity={entity} token={token} />);
    tabs.set(entity, [...(tabs.get(entity) ?? []), { token, label, component }]);
  }
  const actions = new Map<string, PluginAction[]>();
  for (const button of plugins.buttons)
    if (button.detail === undefined) actions.set(button.entity, [...(actions.get(button.entity) ?? []), action(button, button.entity)]);
  pluginSeam.set({
    places: shown
      .filter((tab) => tab.entity === undefined)
      .map(({ token, label, plugin, priority }) => ({
        token,
        label,
        plugin,
        priority,
        accessible: true,
        component: once(places, token, () => () => <TabFrame entity={undefined} token={token} />),
      })),
    subTabs: tabs,
    actions,
    details: (entity, detail, row) =>
      plugins.buttons.filter((button) => button.entity === entity && button.detail === detail).map((button) => action(button, detail, { entity, row })),
  });
}

function TabFrame({ entity, token }: { entity: string | undefined; token: string }): ReactElement | null {
  usePlugins();
  useEffect(() => () => find(entity, token)?.unload?.(), [entity, token]);
  const tab = find(entity, token);
  return tab ? <ContentFrame url={tab.url} plugin={tab.plugin} title={tab.label} /> : null;
}

/** A page of a plugin, with the whole room. */
function ContentFrame({ url, plugin, title }: { url: string; plugin: string; title: string }): ReactElement {
  const [state, setState] = useState<"begin" | "waiting" | "there" | "silent">("begin");
  const [tries, setTries] = useState(0);
  useEffect(() => {
    // The plugin hears of the selection first, and may choose another address.
    const begin = setTimeout(() => setState("waiting"), 0);
    const limit = setTimeout(() => setState((now) => (now === "waiting" ? "silent" : now)), SILENT_MS);
    return () => {
      clearTimeout(begin);
      clearTimeout(limit);
    };
  }, [tries]);
  return (
    <div className="ov-plugin">
      {state === "silent" && (
        <div className="ov-failed" role="alert">
          <p>The tab of plugin {plugin} does not answer.</p>
          <button
            type="button"
            className="ov-button outline"
            onClick={() => {
              setState("begin");
              setTries(tries + 1);
            }}
          >
            Try again
          </button>
        </div>
      )}
      {/* A plugin's page works with the web admin's own (`parent.pluginApi`): it cannot be shut in. */}
      {/* oxlint-disable-next-line react/iframe-missing-sandbox */}
      {state !== "begin" && <iframe key={tries} src={url} title={title} data-theme={theme()} hidden={state === "silent"} onLoad={() => setState("there")} />}
    </div>
  );
}

export function PluginDialogs(): ReactElement {
  usePlugins();
  return (
    <>
      {plugins.dialogs.map((dialog) => (
        <Dialog
          key={dialog.key}
          title={dialog.title}
          width={dialog.width}
          height={dialog.height}
          closable={dialog.closeIcon}
          escapable={dialog.closeOnEsc}
          onClose={() => plugins.closeDialog(dialog.key)}
          buttons={
            dialog.buttons.length > 0 &&
            dialog.buttons.map(({ label, click }) => (
              <button key={label} type="button" className="ov-button" onClick={click}>
                {label}
              </button>
            ))
          }
        >
          <ContentFrame url={dialog.url} plugin={dialog.plugin} title={dialog.title} />
        </Dialog>
      ))}
    </>
  );
}
