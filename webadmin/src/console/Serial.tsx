/** The VM's serial line in a terminal. */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { type ReactElement, useEffect, useRef } from "react";
import { openChannel } from "./channel";
import type { Console, Ended } from "./state";

interface Props {
  vm: string;
  take: boolean;
  onOpen: (console: Console) => void;
  onEnd: (why: Ended) => void;
  onSize: (size: string) => void;
}

const THEME = { background: "#05070a", foreground: "#d8dee9", cursor: "#f5b83d", selectionBackground: "#2457c5" };

export default function Serial({ vm, take, onOpen, onEnd, onSize }: Props): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = box.current as HTMLDivElement;
    const terminal = new Terminal({
      fontFamily: '"RedHatMono", "Red Hat Mono", ui-monospace, monospace',
      fontSize: 14,
      theme: THEME,
      scrollback: 5000,
      cursorBlink: false,
      screenReaderMode: true,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(target);
    const refit = (): void => {
      fit.fit();
      onSize(`${terminal.cols} × ${terminal.rows}`);
    };
    refit();
    const watch = new ResizeObserver(refit);
    watch.observe(target);
    let left = false;
    let line: WebSocket | undefined;
    openChannel(vm, "serial", take).then(
      ({ socket }) => {
        line = socket;
        if (left) {
          socket.close();
          return;
        }
        socket.addEventListener("open", () => {
          onOpen({
            focus: () => terminal.focus(),
            blur: () => terminal.blur(),
            press: () => undefined,
            type: async (text) => terminal.input(text.replace(/\r?\n/g, "\r")),
            paste: (text) => terminal.paste(text),
            picture: async () => new Blob([textOf(terminal)], { type: "text/plain" }),
          });
          terminal.focus();
        });
        socket.addEventListener("message", ({ data }) => terminal.write(new Uint8Array(data as ArrayBuffer)));
        socket.addEventListener("close", ({ code, reason }) => {
          if (!left) onEnd({ code, reason });
        });
        const encoder = new TextEncoder();
        const send = (bytes: Uint8Array<ArrayBuffer>): void => {
          if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
        };
        terminal.onData((text) => send(encoder.encode(text)));
        terminal.onBinary((text) => send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
      },
      (error: unknown) => {
        if (!left) onEnd({ error });
      },
    );
    return () => {
      left = true;
      watch.disconnect();
      line?.close();
      terminal.dispose();
    };
    // One line as long as this is shown; it is shown anew for another.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [vm]);
  return <div ref={box} className="cn-serial" />;
}

/** What the terminal holds, as text. */
function textOf(terminal: Terminal): string {
  const buffer = terminal.buffer.active;
  const lines = Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? "");
  return `${lines.join("\n").trimEnd()}\n`;
}
