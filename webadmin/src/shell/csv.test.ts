import { expect, it } from "vitest";
import { csvCell, csvOf } from "./csv";

it("quotes what must be, and makes no formulas", () => {
  expect(csvCell('a "b", c')).toBe('"a ""b"", c"');
  expect(csvCell("=1+1")).toBe("'=1+1");
  expect(csvCell("-5")).toBe("-5");
  expect(csvOf([{ id: "n", label: "Name", width: 1, text: (row) => row.name ?? "" }], [{ id: "1", name: "@x" }])).toBe("Name\r\n'@x\r\n");
});
