/**
 * A console's WebSocket: a ticket from the API, then the engine's own origin. Follows: docs/reference/console.md.
 */
import { get, post } from "../api/client";
import { ENGINE } from "../api/base";
import type { About, Kind } from "./state";

export interface Channel {
  socket: WebSocket;
  /** What the display asks for. */
  password: string;
}
interface Ticket {
  ticket: string;
  password: string | null;
}
export const about = (vm: string): Promise<About> => get<About>(`/ovis/console/${vm}`);

export async function openChannel(vm: string, kind: Kind, take: boolean): Promise<Channel> {
  const { ticket, password } = await post<Ticket>(`/ovis/console/${vm}/${kind}`, { take });
  const address = new URL(`console/${vm}/${kind}`, ENGINE);
  address.protocol = address.protocol === "http:" ? "ws:" : "wss:";
  const socket = new WebSocket(address, ["ovis.console", `ovis.ticket.${ticket}`]);
  socket.binaryType = "arraybuffer";
  return { socket, password: password ?? "" };
}
