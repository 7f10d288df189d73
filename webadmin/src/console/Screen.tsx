/** The VM's screen by noVNC: connect, size, keys, clipboard, a picture of it. */
import RFB from "@novnc/novnc";
import { type ReactElement, useEffect, useRef } from "react";
import { openChannel } from "./channel";
import { type Key, strokesOf } from "./keys";
import type { Console, Ended } from "./state";

export type Size = "fit" | "original" | "guest";
const BETWEEN_KEYS_MS = 12;

interface Props {
  vm: string;
  size: Size;
  onOpen: (console: Console) => void;
  onEnd: (why: Ended) => void;
  onSize: (size: string) => void;
  /** The guest put a text into its clipboard. */
  onClipboard: (text: string) => void;
}

function press(rfb: RFB, keys: Key[]): void {
  for (const key of keys) rfb.sendKey(key.keysym, key.code, true);
  for (const key of keys.toReversed()) rfb.sendKey(key.keysym, key.code, false);
}

async function type(rfb: RFB, text: string): Promise<void> {
  for (const keys of strokesOf(text)) {
    press(rfb, keys);
    // A guest loses keys that come at once.
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_KEYS_MS));
  }
}

function consoleOf(rfb: RFB, canvas: () => HTMLCanvasElement | null): Console {
  return {
    focus: () => rfb.focus(),
    blur: () => rfb.blur(),
    press: (keys) => {
      press(rfb, keys);
      rfb.focus();
    },
    type: (text) => type(rfb, text).then(() => rfb.focus()),
    paste: (text) => rfb.clipboardPasteFrom(text),
    picture: () =>
      new Promise((resolve) => {
        if (canvas()) rfb.toBlob(resolve, "image/png");
        else resolve(null);
      }),
  };
}

function apply(rfb: RFB, size: Size): void {
  rfb.scaleViewport = size === "fit";
  rfb.resizeSession = size === "guest";
  rfb.clipViewport = false;
}

export default function Screen({ vm, size, onOpen, onEnd, onSize, onClipboard }: Props): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const rfb = useRef<RFB>(undefined);
  const wanted = useRef(size);
  wanted.current = size;
  useEffect(() => {
    if (rfb.current) apply(rfb.current, size);
  }, [size]);

  useEffect(() => {
    const target = box.current as HTMLDivElement;
    let left = false;
    let said: string | undefined;
    let over = false;
    let watch: MutationObserver | undefined;
    openChannel(vm, "vnc", false).then(
      ({ socket, password }) => {
        if (left) {
          socket.close();
          return;
        }
        socket.addEventListener("close", ({ code, reason }) => {
          if (!left) onEnd({ code, reason: said ?? reason });
        });
        const made = new RFB(target, socket, { shared: true, credentials: { password } });
        rfb.current = made;
        made.background = "#05070a";
        made.showDotCursor = true;
        apply(made, wanted.current);
        made.addEventListener("connect", () => {
          const canvas = target.querySelector("canvas");
          const tell = (): void => {
            if (canvas) onSize(`${canvas.width} × ${canvas.height}`);
          };
          tell();
          if (canvas) {
            watch = new MutationObserver(tell);
            watch.observe(canvas, { attributes: true, attributeFilter: ["width", "height"] });
            canvas.setAttribute("aria-label", "Screen of the VM");
            canvas.setAttribute("role", "application");
          }
          onOpen(consoleOf(made, () => target.querySelector("canvas")));
          made.focus();
        });
        made.addEventListener("disconnect", () => {
          over = true;
        });
        made.addEventListener("securityfailure", (event) => {
          said = `The display refused the password: ${(event as CustomEvent<{ reason?: string }>).detail.reason ?? "no reason given"}`;
        });
        made.addEventListener("clipboard", (event) => onClipboard((event as CustomEvent<{ text: string }>).detail.text));
      },
      (error: unknown) => {
        if (!left) onEnd({ error });
      },
    );
    return () => {
      left = true;
      watch?.disconnect();
      if (!over) rfb.current?.disconnect();
      rfb.current = undefined;
    };
    // One connection as long as this is shown; it is shown anew for another.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [vm]);

  return <div ref={box} className={`cn-screen size-${size}`} />;
}
