/**
 * A console's WebSocket: a ticket from the API, then the engine's own origin. Follows: docs/reference/console.md.
 */
import { get, post } from "../api/client";
import { ENGINE } from "../api/base";

export type Kind = "vnc" | "serial";
export interface About {
  id: string;
  name: string;
  status: string;
  host: { id: string; name: string } | null;
  graphics: string[];
  serial: boolean;
  viewers: { user: string; kind: Kind; since: number }[];
}
export interface Channel {
  socket: WebSocket;
  /** What the display asks for. */
  password: string;
}
interface Ticket {
  ticket: string;
  password: string | null;
}
/** Why a console ended, by the code of its WebSocket. */
export const CODE = { over: 1000, ticket: 4401, session: 4403, refused: 4409, unreachable: 4503 } as const;

export const about = (vm: string): Promise<About> => get<About>(`/ovis/console/${vm}`);

export async function openChannel(vm: string, kind: Kind, take: boolean): Promise<Channel> {
  const { ticket, password } = await post<Ticket>(`/ovis/console/${vm}/${kind}`, { take });
  const address = new URL(`console/${vm}/${kind}`, ENGINE);
  address.protocol = address.protocol === "http:" ? "ws:" : "wss:";
  const socket = new WebSocket(address, ["ovis.console", `ovis.ticket.${ticket}`]);
  socket.binaryType = "arraybuffer";
  return { socket, password: password ?? "" };
}
