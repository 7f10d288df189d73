import { describe, expect, it } from "vitest";
import { Fault } from "./fault";
import { at, items, number, rowsOf, text, truth } from "./read";

describe("what the API sends", () => {
  it("is read by dotted paths, whatever is missing", () => {
    const row = { id: "1", cluster: { id: "c" }, memory: "1024", stateless: "true", data_centers: { data_center: [{ id: "d" }] } };
    expect(text(row, "cluster.id")).toBe("c");
    expect(text(row, "host.id")).toBe("");
    expect(number(row, "memory")).toBe(1024);
    expect(number(row, "nothing")).toBeUndefined();
    expect(truth(row, "stateless")).toBe(true);
    expect(items(row, "data_centers")[0]?.id).toBe("d");
    expect(at(null, "a.b")).toBeUndefined();
  });

  it("is a list without its links", () => {
    expect(rowsOf({ vm: [{ id: "1", link: [1], actions: {} }] })).toEqual([{ id: "1" }]);
    expect(rowsOf({})).toEqual([]);
  });

  it("tells refusals as sentences", () => {
    expect(new Fault(409, "Operation Failed", "[Cannot run VM. The VM is up.,\tAnd more.]").sentences).toEqual(["Cannot run VM. The VM is up.,\tAnd more."]);
    expect(new Fault(409, "R", "[One.] [Two.]").sentences).toEqual(["One.", "Two."]);
    expect(new Fault(500, "Reason", "").sentences).toEqual(["Reason"]);
  });
});
