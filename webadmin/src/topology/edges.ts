/** Lines between the parts of a data center. */
export interface Edge {
  from: string;
  to: string;
}
interface Box {
  left: number;
  right: number;
  top: number;
  height: number;
}

/** A network reaches the clusters that it is assigned to; a data center's storage reaches all of its clusters. */
export function edgesOf(clusters: { id: string; networks: string[] }[], storage: string[]): Edge[] {
  return clusters.flatMap(({ id, networks }) => [...networks.map((network) => ({ from: network, to: id })), ...storage.map((domain) => ({ from: id, to: domain }))]);
}

/** From the right edge of one box to the left edge of the other. */
export function curve(from: Box, to: Box, origin: { left: number; top: number }): string {
  const [x1, x2] = [from.right - origin.left, to.left - origin.left];
  const [y1, y2] = [from.top + from.height / 2 - origin.top, to.top + to.height / 2 - origin.top];
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
