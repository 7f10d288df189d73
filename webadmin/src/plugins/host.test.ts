import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Definition, HOLD_LIMIT_MS, type Page, PluginHost, READY_LIMIT_MS } from "./host";

let logs: string[];
let ended: string[];
let shown: unknown[][];
const page: Page = {
  who: () => ({ user: "admin@internal", userId: "u1", token: "t1" }),
  baseUrl: () => "https://e/ovirt-engine/",
  locale: () => "en-US",
  place: () => "vms",
  reveal: (token) => shown.push(["reveal", token]),
  search: (text) => shown.push(["search", text]),
  toast: (...told) => shown.push(told),
  rootTag: () => ({ name: "root", children: [] }),
  log: (level, text) => logs.push(`${level}: ${text}`),
  load: ({ name }) => () => ended.push(name),
  changed: () => undefined,
};
const host = (...definitions: Partial<Definition>[]): PluginHost => new PluginHost(page, definitions.map((given) => ({ name: "a", url: "a.html", ...given })));
type Handlers = Record<string, (...args: unknown[]) => unknown>;

/** A plugin with these handlers, in use. */
function used(found: PluginHost, handlers: Handlers = {}, name = "a"): ReturnType<PluginHost["pluginApi"]> {
  const api = found.pluginApi(name);
  found.begin();
  found.loadRest();
  api["register"]?.(handlers);
  api["ready"]?.();
  vi.advanceTimersByTime(1);
  expect(found.state(name)?.state).toBe("in use");
  return api;
}

beforeEach(() => {
  vi.useFakeTimers();
  logs = [];
  ended = [];
  shown = [];
});

describe("the life of a plugin", () => {
  it("begins with UiInit, a task after ready(); what came earlier follows in order", () => {
    const calls: unknown[][] = [];
    const handlers: Handlers = {};
    for (const name of ["UiInit", "UserLogin", "RestApiSessionAcquired", "VirtualMachineSelectionChange"]) handlers[name] = (...args) => calls.push([name, ...args]);
    const found = host({});
    const api = found.pluginApi("a");
    api["ready"]?.();
    found.begin();
    found.loadRest();
    api["ready"]?.();
    expect(found.state("a")?.state).toBe("loading");
    expect(api["loginUserName"]?.()).toBe("admin@internal");
    expect(api["addMainTab"]?.("Early", "early", "x")).toBeUndefined();
    found.selected("VirtualMachine", [{ id: "lost" }]);
    api["register"]?.(handlers);
    api["register"]?.({});
    api["ready"]?.();
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual([["UiInit"], ["UserLogin", "admin@internal", "u1"], ["RestApiSessionAcquired", "t1"]]);
    expect(found.tabs).toEqual([]);
  });

  it("ends when a handler throws, and the others go on", () => {
    const found = host({}, { name: "b" });
    used(found, { VirtualMachineSelectionChange: () => { throw new Error("no luck"); } });
    const heard = vi.fn();
    used(found, { VirtualMachineSelectionChange: heard }, "b");
    found.pluginApi("a")["addMainTabActionButton"]?.("VirtualMachine", "Gone", {});
    found.selected("VirtualMachine", []);
    expect(found.state("a")).toEqual({ state: "failed", why: "VirtualMachineSelectionChange: no luck" });
    expect(ended).toEqual(["a"]);
    expect(found.buttons).toEqual([]);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(logs).toContain("severe: plugin a failed: VirtualMachineSelectionChange: no luck");
  });

  it("has its limits: the page waits ten seconds, a plugin has thirty", () => {
    const found = host({ lazyLoad: false }, { name: "b", enabled: false });
    expect(found.holding).toBe(true);
    found.begin();
    vi.advanceTimersByTime(HOLD_LIMIT_MS);
    expect(found.holding).toBe(false);
    expect(found.state("a")?.state).toBe("loading");
    vi.advanceTimersByTime(READY_LIMIT_MS);
    expect(found.state("a")?.state).toBe("failed");
    expect(found.state("b")).toBeUndefined();
  });

  it("is nothing for a name that nobody has", () => {
    const api = host({ config: { x: 1 } }).pluginApi("other");
    expect(api["configObject"]?.()).toBeNull();
    expect(api["addMainTab"]?.("x", "x", "x")).toBeUndefined();
    expect(host({ config: { x: 1 } }).pluginApi("a")["configObject"]?.()).toEqual({ x: 1 });
  });
});

describe("events", () => {
  it.each([
    ["old", undefined, undefined, [{ id: "1" }, { id: "2" }]],
    ["new by a name", "addDetailPlace", undefined, [[{ id: "1" }, { id: "2" }]]],
    ["new by the descriptor", undefined, "4.4", [[{ id: "1" }, { id: "2" }]]],
    ["old by the descriptor", "addDetailPlace", "4.3", [{ id: "1" }, { id: "2" }]],
  ])("have the %s form", (_, name, apiVersion, expected) => {
    const heard = vi.fn();
    const found = host(apiVersion ? { apiVersion } : {});
    const api = used(found, { HostSelectionChange: heard });
    if (name) api[name]?.("Host", "x", "x", "x");
    found.selected("Host", [{ id: "1" }, { id: "2" }]);
    expect(heard).toHaveBeenCalledWith(...expected);
  });

  it("bring messages of exactly the allowed origins", () => {
    const heard = vi.fn();
    const found = host({});
    const api = used(found, { MessageReceived: heard });
    found.message(1, "https://a", "w");
    api["options"]?.({ allowedMessageOrigins: ["https://a"] });
    for (const origin of ["https://a/", "https://a:1", "http://a", "https://a.b"]) found.message(2, origin, "w");
    found.message(3, "https://a", "w");
    expect(heard.mock.calls).toEqual([[3, "w"]]);
    api["options"]?.({ allowedMessageOrigins: "*" });
    found.message(4, "https://b", "w");
    expect(heard).toHaveBeenCalledTimes(2);
    api["options"]?.({});
    found.message(5, "https://a", "w");
    expect(heard).toHaveBeenCalledTimes(2);
  });
});

describe("what plugins add", () => {
  it("is tabs that change later, even before they are there", async () => {
    const found = host({});
    const api = used(found);
    api["setTabContentUrl"]?.("t", "two");
    api["addMainTab"]?.("T", "t", "one", { priority: 3 });
    api["addMainTab"]?.("Again", "t", "one");
    api["addSubTab"]?.("Event", "No", "n", "x");
    api["addSubTab"]?.("Host", "S", "s", "x");
    await Promise.resolve();
    expect(found.tabs.map(({ token, url, entity }) => [token, url, entity])).toEqual([["t", "two", undefined], ["s", "x", "Host"]]);
    api["setTabAccessible"]?.("t", false);
    await Promise.resolve();
    expect(found.tabs[0]?.accessible).toBe(false);
  });

  it("is buttons in the form of the name that added them, whose faults stay theirs", () => {
    const found = host({});
    const api = used(found);
    const old = vi.fn();
    const later = vi.fn();
    api["addMainTabActionButton"]?.("Host", "Old", { onClick: old, isEnabled: () => "yes", isAccessible: () => { throw new Error("x"); }, location: "OnlyFromContext" });
    api["addDetailPlaceActionButton"]?.("Host", "Event", "New", { onClick: later, isEnabled: (items: unknown[]) => items.length === 1, index: 2, moreMenu: true });
    const [one, two] = found.buttons;
    expect([one?.enabled([]), one?.accessible([]), one?.where]).toEqual([true, true, "menu"]);
    one?.click([{ id: "1" }, { id: "2" }]);
    expect(old).toHaveBeenCalledWith({ id: "1" }, { id: "2" });
    expect([two?.detail, two?.index, two?.more, two?.enabled([])]).toEqual(["Event", 2, true, false]);
    two?.click([{ id: "1" }], { id: "parent" });
    expect(later).toHaveBeenCalledWith([{ id: "1" }], { id: "parent" });
    expect(found.state("a")?.state).toBe("in use");
  });

  it("is dialogs, several, by token", async () => {
    const found = host({});
    const api = used(found);
    const click = vi.fn(() => {
      throw new Error("in a button");
    });
    api["showDialog"]?.("One", "d1", "u", "50em", "20em", { buttons: [{ label: "Go", onClick: click }, {}], closeOnEscKey: false });
    api["showDialog"]?.("Two", "u2", "1px", "2px");
    expect(found.dialogs.map(({ token, url, width }) => [token, url, width])).toEqual([["d1", "u", "50em"], [null, "u2", "1px"]]);
    found.dialogs[0]?.buttons[0]?.click();
    expect(logs.some((line) => line.includes("in a button"))).toBe(true);
    api["setDialogContentUrl"]?.("d1", "other");
    await Promise.resolve();
    expect(found.dialogs[0]?.url).toBe("other");
    api["closeDialog"]?.("unknown");
    api["closeDialog"]?.("d1");
    await Promise.resolve();
    expect(found.dialogs.map(({ title }) => title)).toEqual(["Two"]);
  });

  it("reaches the page", () => {
    const api = used(host({}));
    api["showAlert"]?.("danger", "<b>", { autoHideMs: 5 });
    api["revealPlace"]?.("hosts");
    api["setSearchString"]?.("Hosts: name = x");
    expect(shown).toEqual([["danger", "<b>", 5], ["reveal", "hosts"], ["search", "Hosts: name = x"]]);
    expect([api["ssoToken"]?.(), api["engineBaseUrl"]?.(), api["currentPlace"]?.()]).toEqual(["t1", "https://e/ovirt-engine/", "vms"]);
  });
});
