/** Server-sent events out of chunks of text. */
export interface Message {
  event: string;
  id: string | undefined;
  data: string;
}

/** Feed it text; it calls back for each whole message. */
export function parser(onMessage: (message: Message) => void): (chunk: string) => void {
  let rest = "";
  let event = "";
  let id: string | undefined;
  let data: string[] = [];
  return (chunk) => {
    rest += chunk;
    let end = rest.search(/\r?\n/);
    while (end >= 0) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + (rest[end] === "\r" ? 2 : 1));
      if (line === "") {
        if (data.length > 0) onMessage({ event: event || "message", id, data: data.join("\n") });
        event = "";
        id = undefined;
        data = [];
      } else if (!line.startsWith(":")) {
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") event = value;
        else if (field === "data") data.push(value);
        else if (field === "id") id = value;
      }
      end = rest.search(/\r?\n/);
    }
  };
}
