import { expect, test } from "vitest";
import { Fault } from "../api/fault";
import { type About, CODE, judge } from "./state";

const vm = (status: string): About => ({ id: "1", name: "db-01", status, host: null, graphics: ["vnc"], serial: true, viewers: [] });

test("a display that ends while its VM runs is connected again: it moved to another host", () => {
  expect(judge({ code: CODE.over, reason: "" }, "vnc", vm("up")).again).toBe(true);
  expect(judge({ code: CODE.over, reason: "" }, "vnc", vm("down"))).toEqual({ text: "db-01 is not running.", again: false, taken: false });
});

test("a serial line that somebody has can be taken; what the API refuses is said in its words", () => {
  expect(judge({ code: CODE.refused, reason: "Somebody else is at it." }, "serial", vm("up")).taken).toBe(true);
  expect(judge({ code: CODE.refused, reason: "The VM has no serial console." }, "serial", vm("up")).taken).toBe(false);
  const refused = { error: new Fault(409, "x", "[VM a is migrating.]") };
  expect([judge(refused, "vnc", vm("migrating")).again, judge(refused, "vnc", vm("migrating"), true).again, judge(refused, "vnc", vm("down"), true).again]).toEqual([false, true, false]);
  expect(judge({ error: new Fault(409, "x", "[VM a has no such console.]") }, "vnc", vm("up")).text).toBe("VM a has no such console.");
});
