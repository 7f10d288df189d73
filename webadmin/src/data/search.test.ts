import { expect, it } from "vitest";
import { searchText } from "./search";

it("asks for one page in one order", () => {
  expect(searchText({ search: "name = a*", sort: { field: "name", down: true } }, 2)).toBe("name = a* sortby name desc page 3");
  expect(searchText({ search: "", sort: undefined }, 0)).toBe("");
});
