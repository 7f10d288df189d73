import { expect, test } from "vitest";
import { areaOf, byUrgency, extent, lineOf, share } from "./path";

test("a course has a gap where nothing is known", () => {
  const points = [
    { x: 0, y: 1 },
    { x: 1, y: 2 },
    { x: 2, y: null },
    { x: 3, y: 4 },
  ];
  expect(lineOf(points)).toBe("M0 1L1 2M3 4h.1");
  expect(areaOf(points, 9)).toBe("M0 9L0 1L1 2L1 9ZM3 9L3 4L3 9Z");
  expect(lineOf([])).toBe("");
});

test("what is not known is not counted as nothing", () => {
  expect(extent([{ time: 1, value: null }])).toEqual({ low: undefined, high: undefined });
  expect(extent([{ time: 1, value: 3 }, { time: 2, value: 8 }])).toEqual({ low: 3, high: 8 });
  expect([share(null, 4), share(2, 0), share(1, 4)]).toEqual([undefined, undefined, 25]);
});

test("states stand in the order of urgency, those that nothing has are left out", () => {
  expect(byUrgency({ down: 2, up: 5, non_responsive: 1, maintenance: 1, paused: 0 }).map(([state]) => state)).toEqual(["up", "non_responsive", "maintenance", "down"]);
});
