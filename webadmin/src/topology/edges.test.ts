import { expect, test } from "vitest";
import { curve, edgesOf } from "./edges";

test("networks are joined to their clusters, clusters to all storage", () => {
  expect(edgesOf([{ id: "c1", networks: ["n1"] }, { id: "c2", networks: [] }], ["s1"])).toEqual([
    { from: "n1", to: "c1" },
    { from: "c1", to: "s1" },
    { from: "c2", to: "s1" },
  ]);
});

test("a line goes from edge to edge, as seen from where they stand", () => {
  const box = { left: 110, right: 210, top: 60, height: 20 };
  expect(curve(box, { ...box, left: 310 }, { left: 10, top: 10 })).toBe("M200 60C250 60 250 60 300 60");
});
