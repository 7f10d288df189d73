import { beforeAll, describe, expect, it, vi } from "vitest";

let router: typeof import("./router");
beforeAll(async () => {
  vi.stubGlobal("location", { hash: "" });
  vi.stubGlobal("addEventListener", () => undefined);
  router = await import("./router");
});

describe("addresses", () => {
  it("come back as they were", () => {
    for (const params of [{}, { search: "name = a*;b and cluster = \"x y\"" }, { id: "1", search: "ä;=%" }]) {
      const address = { place: "vms", params: params as Record<string, string> };
      expect(router.parseAddress(router.formatAddress(address))).toEqual(address);
    }
  });

  it("name a sub-tab behind the first dash", () => {
    expect(router.parseAddress("#vms-network_interfaces;id=5")).toEqual({ place: "vms", tab: "network_interfaces", params: { id: "5" } });
    expect(router.parseAddress("#my-plugin-place").tab).toBe("plugin-place");
  });

  it("survive what is no encoding", () => {
    expect(router.parseAddress("#vms;search=100%").params["search"]).toBe("100%");
  });
});
