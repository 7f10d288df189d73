/** Where something floats: below what it belongs to, or above if there is no room; always inside the window. */
export interface Anchor {
  left: number;
  top: number;
  bottom: number;
  right: number;
}

export function placeBeside(box: HTMLElement, anchor: Anchor, align: "start" | "end" | "point" = "start"): void {
  const { width, height } = box.getBoundingClientRect();
  const room = 8;
  const left = align === "end" ? anchor.right - width : anchor.left;
  const below = anchor.bottom + (align === "point" ? 0 : 4);
  const above = anchor.top - height - (align === "point" ? 0 : 4);
  const top = below + height + room <= innerHeight || above < room ? below : above;
  box.style.left = `${Math.max(room, Math.min(left, innerWidth - width - room))}px`;
  box.style.top = `${Math.max(room, Math.min(top, innerHeight - height - room))}px`;
}
