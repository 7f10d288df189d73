import { expect, it } from "vitest";
import { type Message, parser } from "./sse";

it("reads messages however they are cut", () => {
  const whole = ": beat\n\nevent: changed\nid: a-1\ndata: [1,\ndata: 2]\n\nevent: removed\r\ndata: []\r\n\r\n";
  for (let size = 1; size < 12; size += 1) {
    const found: Message[] = [];
    const feed = parser((message) => found.push(message));
    for (let at = 0; at < whole.length; at += size) feed(whole.slice(at, at + size));
    expect(found.map(({ event, id, data }) => [event, id, data])).toEqual([
      ["changed", "a-1", "[1,\n2]"],
      ["removed", undefined, "[]"],
    ]);
  }
});
