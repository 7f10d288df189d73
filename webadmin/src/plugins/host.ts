/**
 * The plugin host: `pluginApi(name)` as oVirt's plugins of all generations know it.
 *
 * Does: load plugins, keep their states, give them events and calls, keep what they added; a plugin that fails takes
 * nothing with it. Does not: draw, or know the page beyond `Page`. Follows: web admin facts, section 1.
 */
export interface Definition {
  name: string;
  url: string;
  config?: Record<string, unknown>;
  lazyLoad?: boolean;
  enabled?: boolean;
  apiVersion?: string;
}
export type PluginState = "defined" | "loading" | "ready" | "initializing" | "in use" | "failed";
export type Item = Record<string, unknown>;
export interface Who {
  user: string;
  userId: string;
  token: string;
}
/** What the page does for plugins. */
export interface Page {
  who(): Who | undefined;
  baseUrl(): string;
  locale(): string;
  place(): string;
  reveal(token: string): void;
  search(text: string): void;
  toast(kind: string, text: string, ms: number | undefined): void;
  rootTag(): unknown;
  log(level: "info" | "warning" | "severe", text: string): void;
  /** Begin a plugin's own hidden page; what is given back ends it. */
  load(definition: Definition): () => void;
  /** What was added changed. */
  changed(): void;
}
export interface Tab {
  plugin: string;
  token: string;
  label: string;
  url: string;
  accessible: boolean;
  /** Of the object whose sub-tab it is; none: a place of its own. */
  entity?: string;
  priority: number;
  defaultPlace: boolean;
  unload?: () => void;
}
export interface Button {
  plugin: string;
  id: string;
  entity: string;
  /** The sub-tab in which it is. */
  detail?: string;
  label: string;
  index?: number;
  more: boolean;
  where: "both" | "menu" | "toolbar";
  accessible(items: Item[], parent?: Item): boolean;
  enabled(items: Item[], parent?: Item): boolean;
  click(items: Item[], parent?: Item): void;
}
export interface PluginDialog {
  key: number;
  plugin: string;
  token: string | null;
  title: string;
  url: string;
  width: string;
  height: string;
  closeIcon: boolean;
  closeOnEsc: boolean;
  buttons: { label: string; click(): void }[];
}
type Call = (...args: unknown[]) => unknown;

export const READY_LIMIT_MS = 30_000;
export const HOLD_LIMIT_MS = 10_000;
const NO_SUB_TABS = new Set(["Event", "Errata"]);
const LAST = Number.MAX_SAFE_INTEGER;
const QUEUED = new Set(["UserLogin", "UserLogout", "MessageReceived", "RestApiSessionAcquired"]);

const record = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {});
// Values come from other frames: no instanceof.
const isText = (value: unknown): value is string => typeof value === "string";
const isCall = (value: unknown): value is Call => typeof value === "function";
const number = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
const said = (error: unknown): string => String(record(error)["message"] ?? error);

class Plugin {
  state: PluginState = "defined";
  handlers: Record<string, unknown> | undefined;
  options: Record<string, unknown> = {};
  queue: [string, unknown[]][] = [];
  newNames = false;
  why: string | undefined;
  end: (() => void) | undefined;
  limit: ReturnType<typeof setTimeout> | undefined;
  constructor(readonly definition: Definition) {}
}

export class PluginHost {
  readonly tabs: Tab[] = [];
  readonly buttons: Button[] = [];
  dialogs: readonly PluginDialog[] = [];
  #plugins = new Map<string, Plugin>();
  #apis = new Map<string, Record<string, Call>>();
  #keys = 0;
  #holding = false;
  #begun = false;
  #page: Page;

  constructor(page: Page, definitions: readonly Definition[]) {
    this.#page = page;
    for (const definition of definitions)
      if (definition.enabled !== false && !this.#plugins.has(definition.name)) this.#plugins.set(definition.name, new Plugin(definition));
    this.#holding = [...this.#plugins.values()].some(({ definition }) => definition.lazyLoad === false);
  }

  /** Whether the page waits for plugins that want to be there before it. */
  get holding(): boolean {
    return this.#holding;
  }
  state(name: string): { state: PluginState; why: string | undefined } | undefined {
    const found = this.#plugins.get(name);
    return found && { state: found.state, why: found.why };
  }

  /** Somebody signed in: load those that the page waits for; `loadRest` the others. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.signedIn();
    for (const plugin of this.#plugins.values()) if (plugin.definition.lazyLoad === false) this.#load(plugin);
    if (this.#holding)
      setTimeout(() => {
        if (!this.#holding) return;
        this.#page.log("severe", "the page does not wait any longer for plugins that are not ready");
        this.#hold(false);
      }, HOLD_LIMIT_MS);
  }
  loadRest(): void {
    for (const plugin of this.#plugins.values()) if (plugin.state === "defined") this.#load(plugin);
  }
  signedIn(): void {
    const who = this.#page.who();
    if (!who) return;
    this.tell("UserLogin", [who.user, who.userId]);
    this.tell("RestApiSessionAcquired", [who.token]);
  }

  /** An event to all: kept for those that are not there yet, if it is one of those that wait. */
  tell(event: string, args: unknown[]): void {
    for (const plugin of this.#plugins.values()) this.#tell(plugin, event, args);
  }
  /** `{Entity}SelectionChange`, in the form of the plugin's generation. */
  selected(entity: string, items: Item[]): void {
    for (const plugin of this.#plugins.values()) this.#tell(plugin, `${entity}SelectionChange`, this.#newForm(plugin, plugin.newNames) ? [items] : items);
  }
  /** A message of another window. */
  message(data: unknown, origin: string, source: unknown): void {
    for (const plugin of this.#plugins.values()) {
      const told = plugin.options["allowedMessageOrigins"];
      const allowed = isText(told) ? [told] : Array.isArray(told) ? (told as unknown[]) : [];
      if (allowed.includes("*") || allowed.includes(origin)) this.#tell(plugin, "MessageReceived", [data, source]);
      else this.#page.log("info", `plugin ${plugin.definition.name}: a message of ${origin} is not for it`);
    }
  }
  closeDialog(key: number): void {
    this.dialogs = this.dialogs.filter((dialog) => dialog.key !== key);
    this.#page.changed();
  }

  readonly pluginApi = (name: string): Record<string, Call> => {
    let found = this.#apis.get(name);
    if (!found) {
      found = this.#api(name);
      this.#apis.set(name, found);
    }
    return found;
  };

  #load(plugin: Plugin): void {
    plugin.state = "loading";
    plugin.limit = setTimeout(() => this.#fail(plugin, `it was not ready after ${READY_LIMIT_MS / 1000} s`), READY_LIMIT_MS);
    try {
      plugin.end = this.#page.load(plugin.definition);
    } catch (error) {
      this.#fail(plugin, said(error));
    }
  }
  #fail(plugin: Plugin, why: string): void {
    if (plugin.state === "failed") return;
    plugin.state = "failed";
    plugin.why = why;
    plugin.queue = [];
    clearTimeout(plugin.limit);
    const { name } = plugin.definition;
    this.#page.log("severe", `plugin ${name} failed: ${why}`);
    plugin.end?.();
    for (let index = this.buttons.length - 1; index >= 0; index -= 1) if (this.buttons[index]?.plugin === name) this.buttons.splice(index, 1);
    this.#look();
    this.#page.changed();
  }
  #look(): void {
    const waiting = [...this.#plugins.values()].some(({ definition, state }) => definition.lazyLoad === false && (state === "defined" || state === "loading"));
    if (this.#holding && !waiting) this.#hold(false);
  }
  #hold(value: boolean): void {
    this.#holding = value;
    this.#page.changed();
  }
  #ready(plugin: Plugin): void {
    if (plugin.state !== "loading" || !plugin.handlers) {
      this.#page.log("warning", `plugin ${plugin.definition.name}: ready() is not for now`);
      return;
    }
    clearTimeout(plugin.limit);
    plugin.state = "ready";
    this.#look();
    // Deferred: some define their functions only after they called ready().
    setTimeout(() => {
      if (plugin.state !== "ready") return;
      plugin.state = "initializing";
      if (!this.#handle(plugin, "UiInit", [])) return;
      plugin.state = "in use";
      const { queue } = plugin;
      plugin.queue = [];
      for (const [event, args] of queue) this.#tell(plugin, event, args);
    }, 0);
  }
  #tell(plugin: Plugin, event: string, args: unknown[]): void {
    if (plugin.state === "in use") this.#handle(plugin, event, args);
    else if (plugin.state !== "failed" && QUEUED.has(event)) plugin.queue.push([event, args]);
  }
  /** Call a handler; false if it threw, which ends the plugin. */
  #handle(plugin: Plugin, event: string, args: unknown[]): boolean {
    try {
      const handler = plugin.handlers?.[event];
      if (isCall(handler)) handler.apply(plugin.handlers, args);
      return true;
    } catch (error) {
      this.#fail(plugin, `${event}: ${said(error)}`);
      return false;
    }
  }
  #newForm(plugin: Plugin, byName: boolean): boolean {
    const told = plugin.definition.apiVersion;
    if (told === undefined) return byName;
    const [major = 0, minor = 0] = told.split(".").map(Number);
    return major > 4 || (major === 4 && minor >= 4);
  }

  #api(name: string): Record<string, Call> {
    const plugin = this.#plugins.get(name);
    const page = this.#page;
    if (!plugin) return new Proxy({}, { get: (_, key) => (key === "configObject" ? () => null : key === "then" ? undefined : () => undefined) });
    const may = (): boolean => plugin.state === "initializing" || plugin.state === "in use";
    /** Works while the plugin is in use. */
    const live =
      (call: Call): Call =>
      (...args) =>
        may() ? call(...args) : undefined;
    /** Works already while its page loads. */
    const early =
      (call: Call): Call =>
      (...args) =>
        may() || plugin.state === "loading" || plugin.state === "ready" ? call(...args) : undefined;
    /** A name of 4.3 and later: this plugin is of that generation. */
    const later = (call: Call): Call =>
      live((...args) => {
        plugin.newNames = true;
        return call(...args);
      });
    const log =
      (level: "info" | "warning" | "severe"): Call =>
      (text) =>
        page.log(level, `plugin ${name}: ${String(text)}`);

    const addTab = (entity: string | undefined, label: unknown, token: unknown, url: unknown, opts: unknown): void => {
      if (!isText(label) || !isText(token) || !isText(url) || token === "") return;
      if (entity !== undefined && NO_SUB_TABS.has(entity)) return;
      if (this.tabs.some((tab) => tab.token === token && tab.entity === entity)) {
        page.log("warning", `plugin ${name}: there is a tab ${token} already`);
        return;
      }
      const told = record(opts);
      this.tabs.push({
        plugin: name,
        token,
        label,
        url,
        accessible: true,
        ...(entity === undefined ? {} : { entity }),
        priority: number(told["priority"]) ?? LAST,
        defaultPlace: told["defaultPlace"] === true,
      });
      page.changed();
    };
    const place: Call = (label, token, url, opts) => addTab(undefined, label, token, url, opts);
    const detail: Call = (entity, label, token, url, opts) => (isText(entity) ? addTab(entity, label, token, url, opts) : undefined);
    // Deferred, so that it may be called before the tab is added.
    const change = (token: unknown, how: (tab: Tab) => void): void =>
      queueMicrotask(() => {
        const found = this.tabs.filter((tab) => tab.token === token && tab.plugin === name);
        for (const tab of found) how(tab);
        if (found.length > 0) page.changed();
      });
    const setUrl: Call = (token, url) => change(token, (tab) => isText(url) && (tab.url = url));
    const setAccessible: Call = (token, value) => change(token, (tab) => (tab.accessible = Boolean(value)));
    const addButton = (newName: boolean, entity: unknown, sub: unknown, label: unknown, given: unknown): void => {
      if (!isText(entity) || !isText(label) || (sub !== undefined && !isText(sub))) return;
      const told = record(given);
      const array = this.#newForm(plugin, newName);
      const call = (key: string, items: Item[], parent: Item | undefined): unknown => {
        const found = told[key];
        if (!isCall(found)) return undefined;
        try {
          return array ? found.call(told, items, ...(parent ? [parent] : [])) : found.apply(told, items);
        } catch (error) {
          page.log("severe", `plugin ${name}: ${key} of the button ${label}: ${said(error)}`);
          return undefined;
        }
      };
      const location = told["location"];
      this.buttons.push({
        plugin: name,
        id: `plugin.${name}.${isText(told["id"]) ? told["id"] : (this.#keys += 1)}`,
        entity,
        ...(sub === undefined ? {} : { detail: sub }),
        label,
        ...(number(told["index"]) === undefined ? {} : { index: number(told["index"]) }),
        more: told["moreMenu"] === true,
        where: location === "OnlyFromContext" ? "menu" : location === "OnlyFromToolBar" ? "toolbar" : "both",
        accessible: (items, parent) => call("isAccessible", items, parent) !== false,
        enabled: (items, parent) => call("isEnabled", items, parent) !== false,
        click: (items, parent) => void call("onClick", items, parent),
      });
      page.changed();
    };
    const menuButton =
      (newName: boolean): Call =>
      (entity, label, button) =>
        addButton(newName, entity, undefined, label, button);
    const detailButton =
      (newName: boolean): Call =>
      (entity, sub, label, button) =>
        isText(sub) ? addButton(newName, entity, sub, label, button) : undefined;
    const onDialogs = (token: unknown, how: (dialog: PluginDialog) => PluginDialog | undefined): void =>
      queueMicrotask(() => {
        if (token === null || token === undefined) return;
        this.dialogs = this.dialogs.flatMap((dialog) => (dialog.token === token && dialog.plugin === name ? (how(dialog) ?? []) : [dialog]));
        page.changed();
      });
    const showDialog: Call = (...args) => {
      // 3.2 had no token: (title, url, width, height).
      const [title, token, url, width, height, opts] = args.length <= 4 ? [args[0], null, ...args.slice(1), undefined] : args;
      if (!isText(title) || !isText(url)) return;
      const told = record(opts);
      const buttons = Array.isArray(told["buttons"]) ? (told["buttons"] as unknown[]) : [];
      this.dialogs = [
        ...this.dialogs,
        {
          key: (this.#keys += 1),
          plugin: name,
          token: isText(token) ? token : null,
          title,
          url,
          width: isText(width) ? width : typeof width === "number" ? `${width}px` : "640px",
          height: isText(height) ? height : typeof height === "number" ? `${height}px` : "480px",
          closeIcon: told["closeIconVisible"] !== false,
          closeOnEsc: told["closeOnEscKey"] !== false,
          buttons: buttons.map(record).flatMap((button) => {
            const { label, onClick } = button;
            if (!isText(label)) return [];
            const click = (): void => {
              try {
                if (isCall(onClick)) onClick.call(button);
              } catch (error) {
                page.log("severe", `plugin ${name}: the button ${label} of the dialog ${title}: ${said(error)}`);
              }
            };
            return [{ label, click }];
          }),
        },
      ];
      page.changed();
    };

    return {
      register: (handlers) => {
        if (plugin.handlers === undefined && typeof handlers === "object" && handlers !== null) plugin.handlers = handlers as Record<string, unknown>;
      },
      ready: () => this.#ready(plugin),
      options: (given) => {
        if (typeof given === "object" && given !== null) plugin.options = given as Record<string, unknown>;
      },
      configObject: () => plugin.definition.config ?? {},
      logger: () => ({ info: log("info"), warning: log("warning"), severe: log("severe") }),
      reportFatalError: log("severe"),
      loginUserName: early(() => page.who()?.user),
      loginUserId: early(() => page.who()?.userId),
      ssoToken: early(() => page.who()?.token),
      engineBaseUrl: early(() => page.baseUrl()),
      currentLocale: early(() => page.locale()),
      currentPlace: early(() => page.place()),
      rootTag: early(() => page.rootTag()),
      addMainTab: live(place),
      addPrimaryMenuPlace: later(place),
      // There is no menu of two levels: what is in a container becomes a tab beside the others.
      addPrimaryMenuContainer: later(() => undefined),
      addSecondaryMenuPlace: later((_, label, token, url, opts) => place(label, token, url, opts)),
      addSubTab: live(detail),
      addDetailPlace: later(detail),
      setTabContentUrl: live(setUrl),
      setPlaceContentUrl: live(setUrl),
      setTabAccessible: live(setAccessible),
      setPlaceAccessible: live(setAccessible),
      setPlaceUnloadHandler: live((token, handler) =>
        change(token, (tab) => {
          if (!isCall(handler)) return;
          tab.unload = () => {
            try {
              handler();
            } catch (error) {
              page.log("severe", `plugin ${name}: leaving ${tab.token}: ${said(error)}`);
            }
          };
        }),
      ),
      addMainTabActionButton: live(menuButton(false)),
      addMenuPlaceActionButton: later(menuButton(true)),
      addSubTabActionButton: live(detailButton(false)),
      addDetailPlaceActionButton: later(detailButton(true)),
      showDialog: live(showDialog),
      setDialogContentUrl: live((token, url) => onDialogs(token, (dialog) => (isText(url) ? { ...dialog, url } : dialog))),
      closeDialog: live((token) => onDialogs(token, () => undefined)),
      revealPlace: live((token) => (isText(token) ? page.reveal(token) : undefined)),
      setSearchString: live((text) => (isText(text) ? page.search(text) : undefined)),
      showToast: live((kind, text) => page.toast(String(kind), String(text), undefined)),
      showAlert: live((kind, text, opts) => page.toast(String(kind), String(text), number(record(opts)["autoHideMs"]))),
    };
  }
}
