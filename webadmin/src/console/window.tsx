/**
 * `#console;vm=ID`: a VM's console in a window of its own, dark, without the frame.
 *
 * Does: screen or serial line, keys, clipboard, CD, power, size, picture, `.vv`, full screen; says how the connection is and
 * who else looks. Guest keys are never taken: Ctrl+Alt alone gives the keyboard back.
 */
import { type ReactElement, Suspense, lazy, useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { type Row, get } from "../api/client";
import { sentencesOf } from "../api/fault";
import { session, used } from "../api/session";
import { permits } from "../data/permits";
import { Dialogs, openDialog } from "../dialogs/registry";
import { vms } from "../resources/vms";
import { router, useAddress } from "../router";
import { Notices } from "../shell/Notices";
import { SignIn } from "../shell/SignIn";
import { entriesOf } from "../shell/Toolbar";
import { notify } from "../shell/notices";
import { Dialog } from "../ui/Dialog";
import { Icon, Mark } from "../ui/Icon";
import { type Entry, MenuButton } from "../ui/Menu";
import { StateIcon } from "../ui/StateIcon";
import { about } from "./channel";
import { ALT, CTRL, DELETE, PRINT, TAB, functionKey } from "./keys";
import { Question } from "./Question";
import { saveBlob, saveViewerFile } from "./files";
import type { Size } from "./Screen";
import { type About, type Console, type Ended, type Kind, type Phase, judge, runs } from "./state";
import "./console.css";

const Screen = lazy(() => import("./Screen"));
const Serial = lazy(() => import("./Serial"));
const LOOK_MS = 5000;
const AGAIN_MS = 1500; // a little more after each try, up to five seconds
const MOST_TRIES = 60; // some five minutes
const POWER = ["run", "suspend", "shutdown", "powerOff", "reboot", "reset"];
const SIZES: [Size, string][] = [
  ["fit", "Fit"],
  ["original", "Original size"],
  ["guest", "Resize the guest"],
];

export default function ConsoleWindow(): ReactElement | null {
  const state = useSyncExternalStore(session.subscribe, session.state);
  const address = useAddress();
  useEffect(() => {
    document.documentElement.dataset["theme"] = "dark";
    document.documentElement.classList.add("pf-v6-theme-dark");
  }, []);
  if (state.phase === "unknown") return null;
  const vm = address.params["vm"] ?? address.params["id"] ?? "";
  return (
    <>
      {(state.phase === "in" || state.phase === "again") && <Window key={vm} vm={vm} named={address.params["name"] ?? ""} />}
      {state.phase !== "in" && <SignIn state={state} />}
    </>
  );
}

interface Known {
  told: About | undefined;
  row: Row | undefined;
  fault: string;
  /** Of the last question, there and back. */
  delay: number | undefined;
}

/** The VM and who looks at it, asked again and again while the window is seen. */
function useVm(vm: string): Known & { look: () => void } {
  const [known, setKnown] = useState<Known>({ told: undefined, row: undefined, fault: "", delay: undefined });
  const look = useCallback((): void => {
    if (!session.token()) return;
    const begun = performance.now();
    about(vm)
      .then(async (told) => {
        const delay = performance.now() - begun;
        const row = await get<Row>(`/vms/${vm}`);
        setKnown({ told, row, fault: "", delay });
      })
      .catch((error: unknown) => setKnown((before) => ({ ...before, fault: sentencesOf(error).join(" ") })));
  }, [vm]);
  useEffect(() => {
    look();
    void permits.load().then(() => permits.about("vms", [vm]));
    const timer = setInterval(() => !document.hidden && look(), LOOK_MS);
    const seen = (): void => {
      if (!document.hidden) look();
    };
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [look, vm]);
  return { ...known, look };
}

function Window({ vm, named }: { vm: string; named: string }): ReactElement {
  const address = useAddress();
  const { told, row, fault, delay, look } = useVm(vm);
  const kind: Kind = address.params["kind"] === "serial" ? "serial" : "vnc";
  const [phase, setPhase] = useState<Phase>({ state: "opening" });
  const [turn, setTurn] = useState(0);
  const [take, setTake] = useState(false);
  const [size, setSize] = useState<Size>("fit");
  const [measure, setMeasure] = useState("");
  const [panel, setPanel] = useState<"clipboard" | "type">();
  const [copied, setCopied] = useState("");
  const tries = useRef(0);
  const seen = useRef(false);
  useSyncExternalStore(permits.subscribe, permits.version);
  const name = told?.name ?? named;
  const open = phase.state === "open" ? phase.console : undefined;

  useEffect(() => {
    document.title = name ? `${name} · Console` : "Console";
  }, [name]);

  const again = useCallback((taking = false): void => {
    setTake(taking);
    setPhase({ state: "opening" });
    setTurn((before) => before + 1);
  }, []);
  const onOpen = useCallback((console: Console): void => {
    tries.current = 0;
    seen.current = true;
    setPhase({ state: "open", console });
    look();
  }, [look]);
  const onEnd = useCallback((why: Ended): void => {
    setMeasure("");
    setPhase({ state: "ended", why });
    look();
  }, [look]);

  // What is lost on the way is connected again, while the VM runs and the window is seen.
  const verdict = phase.state === "ended" ? judge(phase.why, kind, told, seen.current) : undefined;
  const goOn = verdict?.again === true;
  useEffect(() => {
    if (!goOn || tries.current >= MOST_TRIES) return undefined;
    const timer = setTimeout(() => {
      tries.current += 1;
      again();
    }, Math.min(5000, AGAIN_MS + tries.current * 200));
    return () => clearTimeout(timer);
  }, [goOn, again, turn]);
  // A VM that was started meanwhile shows itself.
  const running = runs(told?.status);
  const ran = useRef(running);
  useEffect(() => {
    if (running && !ran.current && phase.state === "ended") again();
    ran.current = running;
  }, [running, phase.state, again]);

  useKeyboard(open, setPanel);

  const show = (next: Kind): void => {
    if (next === kind) return;
    setPhase({ state: "opening" });
    setTake(false);
    setMeasure("");
    seen.current = false;
    router.set({ kind: next === "serial" ? "serial" : undefined }, true);
  };
  const run = vms.actions.find((action) => action.id === "run");
  const startEntry = row && run ? entriesOf([run], vms, [row])[0] : undefined;

  return (
    <div className="cn-window">
      <header className="cn-head">
        <Mark size={24} />
        {row && vms.state && <StateIcon state={vms.state(row)} />}
        <h1>{name || "Console"}</h1>
        {told?.host && <span className="cn-host">on {told.host.name}</span>}
        <span className="cn-line" />
        <div className="cn-kinds" role="tablist" aria-label="What is shown">
          {(["vnc", "serial"] as const).map((which) => (
            <button
              key={which}
              type="button"
              role="tab"
              aria-selected={kind === which}
              tabIndex={kind === which ? 0 : -1}
              onClick={() => show(which)}
              onKeyDown={(event) => {
                if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
                  show(kind === "vnc" ? "serial" : "vnc");
                  (event.currentTarget.parentElement?.querySelector("[aria-selected=false]") as HTMLElement | null)?.focus();
                }
              }}
            >
              {which === "vnc" ? "Screen" : "Serial"}
            </button>
          ))}
        </div>
        <span className="cn-space" />
        {kind === "vnc" && (
          <MenuButton label="Send Keys" className="ov-button cn-tool" entries={() => keyEntries(open, () => setPanel("type"))}>
            <Icon name="keyboard" size={14} />
            <span>Send Keys</span>
            <Icon name="down" size={11} />
          </MenuButton>
        )}
        <button type="button" className="ov-button cn-tool" aria-label="Clipboard" onClick={() => setPanel("clipboard")}>
          <Icon name="clipboard" size={14} />
          <span>Clipboard</span>
        </button>
        <button
          type="button"
          className="ov-button cn-tool"
          aria-label="Change CD"
          onClick={() => row && openDialog("vm-change-cd", row, vms)}
        >
          <Icon name="disc" size={14} />
          <span>Change CD</span>
        </button>
        <MenuButton label="Power" className="ov-button cn-tool" entries={() => (row ? entriesOf(vms.actions.filter(({ id }) => POWER.includes(id)), vms, [row]) : [])}>
          <Icon name="power" size={14} />
          <span>Power</span>
          <Icon name="down" size={11} />
        </MenuButton>
        <span className="cn-line" />
        {kind === "vnc" && (
          <MenuButton
            label={`Size: ${SIZES.find(([id]) => id === size)?.[1]}`}
            className="ov-button cn-tool"
            align="end"
            entries={() => SIZES.map(([id, label]): Entry => ({ label, checked: size === id, onSelect: () => setSize(id) }))}
          >
            <span className="cn-word">{SIZES.find(([id]) => id === size)?.[1].split(" ")[0]}</span>
            <Icon name="down" size={11} />
          </MenuButton>
        )}
        <Tool
          label={kind === "vnc" ? "Save a picture of the screen" : "Save the terminal's text"}
          icon="camera"
          disabled={!open}
          onPress={() => void open?.picture().then((blob) => blob && saveBlob(blob, `${name}.${kind === "vnc" ? "png" : "txt"}`))}
        />
        <Tool
          label="Download the .vv file"
          icon="download"
          disabled={!told || told.graphics.length === 0}
          onPress={() => void saveViewerFile(vm, name, told?.graphics ?? []).catch((error: unknown) => notify("danger", "No .vv file", sentencesOf(error).join(" ")))}
        />
        <Tool label="Full screen" icon="expand" onPress={() => void fullScreen().then(() => open?.focus())} />
        <Tool label="Close" icon="close" onPress={() => window.close()} />
      </header>
      <main className="cn-stage" aria-label={kind === "vnc" ? "Screen" : "Serial"}>
        <Suspense fallback={null}>
          {kind === "vnc" ? (
            <Screen key={`vnc${turn}`} vm={vm} size={size} onOpen={onOpen} onEnd={onEnd} onSize={setMeasure} onClipboard={setCopied} />
          ) : (
            <Serial key={`serial${turn}`} vm={vm} take={take} onOpen={onOpen} onEnd={onEnd} onSize={setMeasure} />
          )}
        </Suspense>
        {phase.state !== "open" && (
          <div className="cn-told" role="status">
            {phase.state === "opening" ? (
              <p>Connecting to {name || "the VM"} …</p>
            ) : (
              <>
                <p>{fault && "code" in phase.why ? fault : verdict?.text}</p>
                <div>
                  {verdict?.taken ? (
                    <button type="button" className="ov-button primary" onClick={() => again(true)}>
                      Take over
                    </button>
                  ) : (
                    !goOn && (
                      <>
                        {startEntry && startEntry !== "line" && !startEntry.disabled && !running && (
                          <button type="button" className="ov-button primary" onClick={startEntry.onSelect}>
                            Run
                          </button>
                        )}
                        <button type="button" className="ov-button outline" onClick={() => again()}>
                          Try again
                        </button>
                      </>
                    )
                  )}
                </div>
              </>
            )}
          </div>
        )}
      </main>
      <Foot phase={phase} measure={measure} delay={delay} told={told} kind={kind} />
      {panel === "clipboard" && <Clipboard console={open} copied={copied} onClose={() => setPanel(undefined)} />}
      {panel === "type" && <TypeText console={open} onClose={() => setPanel(undefined)} />}
      <Question />
      <Dialogs />
      <Notices />
    </div>
  );
}

function Tool({ label, icon, disabled, onPress }: { label: string; icon: "camera" | "download" | "expand" | "close"; disabled?: boolean; onPress: () => void }): ReactElement {
  return (
    <button type="button" className="ov-button bare cn-tool" aria-label={label} title={label} aria-disabled={disabled || undefined} onClick={() => !disabled && onPress()}>
      <Icon name={icon} size={15} />
    </button>
  );
}

function keyEntries(open: Console | undefined, typeText: () => void): Entry[] {
  const disabled = open === undefined;
  const functions = Array.from({ length: 12 }, (_, index): Entry => ({
    label: `Ctrl + Alt + F${index + 1}`,
    disabled,
    onSelect: () => open?.press([CTRL, ALT, functionKey(index + 1)]),
  }));
  return [
    { label: "Ctrl + Alt + Delete", hint: "Ctrl Alt End", disabled, onSelect: () => open?.press([CTRL, ALT, DELETE]) },
    { label: "Alt + Tab", disabled, onSelect: () => open?.press([ALT, TAB]) },
    { label: "Print Screen", disabled, onSelect: () => open?.press([PRINT]) },
    { label: "Type text ...", hint: "Ctrl Alt V", disabled, onSelect: typeText },
    "line",
    ...functions,
  ];
}

/** Ctrl+Alt alone gives the keyboard back; Ctrl+Alt+End and Ctrl+Alt+V are for keys that browsers keep. */
function useKeyboard(open: Console | undefined, setPanel: (panel: "type") => void): void {
  useEffect(() => {
    let alone = false;
    const stop = (event: KeyboardEvent): void => {
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    const down = (event: KeyboardEvent): void => {
      used();
      const modifier = event.key === "Control" || event.key === "Alt";
      if (modifier) alone = event.ctrlKey && event.altKey && !event.shiftKey && !event.metaKey;
      else alone = false;
      if (!open || modifier || !event.ctrlKey || !event.altKey) return;
      if (event.code === "End") {
        stop(event);
        open.press([CTRL, ALT, DELETE]);
      } else if (event.code === "KeyV") {
        stop(event);
        setPanel("type");
      }
    };
    const up = (event: KeyboardEvent): void => {
      if (!alone || (event.key !== "Control" && event.key !== "Alt")) return;
      alone = false;
      open?.blur();
      // The element that has the keyboard lets the key go first.
      setTimeout(() => document.querySelector<HTMLElement>(".cn-head [aria-selected=true]")?.focus());
    };
    addEventListener("keydown", down, true);
    addEventListener("keyup", up, true);
    return () => {
      removeEventListener("keydown", down, true);
      removeEventListener("keyup", up, true);
    };
  }, [open, setPanel]);
}

async function fullScreen(): Promise<void> {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  await document.documentElement.requestFullscreen();
  const { keyboard } = navigator as Navigator & { keyboard?: { lock?: () => Promise<void> } };
  await keyboard?.lock?.().catch(() => undefined);
}

function Foot({ phase, measure, delay, told, kind }: { phase: Phase; measure: string; delay: number | undefined; told: About | undefined; kind: Kind }): ReactElement {
  const me = session.who()?.user;
  const viewers = told?.viewers ?? [];
  const mine = viewers.findIndex((viewer) => viewer.user === me && viewer.kind === kind);
  const others = viewers.filter((_, index) => index !== mine).map((viewer) => `${viewer.user}${viewer.kind === "serial" ? " (serial)" : ""}`);
  const words = { opening: "Connecting", open: "Connected", ended: "Not connected" } as const;
  return (
    <footer className="cn-foot">
      <span className={`cn-dot ${phase.state}`} aria-hidden />
      <span role="status">{words[phase.state]}</span>
      {measure && <span>{measure}</span>}
      {phase.state === "open" && delay !== undefined && <span title="A question to the engine, there and back">{Math.max(1, Math.round(delay))} ms</span>}
      <span>Keyboard: {navigator.language}</span>
      <span className="cn-space" />
      <span>{others.length === 0 ? "Nobody else is connected" : `${others.join(", ")} ${others.length === 1 ? "looks" : "look"}, too`}</span>
      <span>
        <b>Ctrl Alt</b> releases the keyboard
      </span>
    </footer>
  );
}

function Clipboard({ console: open, copied, onClose }: { console: Console | undefined; copied: string; onClose: () => void }): ReactElement {
  const [text, setText] = useState("");
  useEffect(() => {
    void navigator.clipboard?.readText?.().then(setText, () => undefined);
  }, []);
  return (
    <Dialog
      title="Clipboard"
      width={560}
      onClose={onClose}
      what="The guest takes a text into its clipboard if an agent for it runs there."
      buttons={
        <>
          <button type="button" className="ov-button outline" disabled={!open || !text} onClick={() => void open?.type(text).then(onClose)}>
            Type it
          </button>
          <button
            type="button"
            className="ov-button primary"
            disabled={!open || !text}
            onClick={() => {
              open?.paste(text);
              onClose();
            }}
          >
            Send to the guest
          </button>
        </>
      }
    >
      <label className="cn-field">
        To the guest
        <textarea data-first rows={5} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <label className="cn-field">
        From the guest
        <textarea rows={4} readOnly value={copied} />
      </label>
    </Dialog>
  );
}

function TypeText({ console: open, onClose }: { console: Console | undefined; onClose: () => void }): ReactElement {
  const [text, setText] = useState("");
  const [typing, setTyping] = useState(false);
  return (
    <Dialog
      title="Type text"
      width={560}
      onClose={onClose}
      what="Typed key by key, as on an American keyboard."
      buttons={
        <button
          type="button"
          className="ov-button primary"
          disabled={!open || !text}
          aria-busy={typing}
          onClick={() => {
            if (typing || !open) return;
            setTyping(true);
            void open.type(text).then(onClose);
          }}
        >
          Type
        </button>
      }
    >
      <label className="cn-field">
        Text
        <textarea data-first rows={6} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
    </Dialog>
  );
}
