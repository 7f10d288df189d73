import { expect, test } from "vitest";
import { SHIFT, functionKey, keysymOf, strokesOf } from "./keys";

test("characters become the keysyms that X has for them", () => {
  expect([..."aA1\n\té€"].map(keysymOf)).toEqual([0x61, 0x41, 0x31, 0xff0d, 0xff09, 0xe9, 0x010020ac]);
  expect([functionKey(1).keysym, functionKey(12).keysym]).toEqual([0xffbe, 0xffc9]);
});

test("what needs Shift is typed with it, and line ends are one key", () => {
  const strokes = strokesOf("aB!\r\n");
  expect(strokes.map((keys) => keys.length)).toEqual([1, 2, 2, 1]);
  expect(strokes[1]?.[0]).toBe(SHIFT);
});
