/** The page: sign-in, or the frame around the place that the address names. */
import { type KeyboardEvent, type ReactElement, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { session } from "../api/session";
import { readFeed } from "../data/feed";
import { options, useOption } from "../data/options";
import { permits } from "../data/permits";
import { Dialogs, openDialog } from "../dialogs/registry";
import { live } from "../live/stream";
import { byPlace } from "../resources";
import { type Address, router, useAddress } from "../router";
import { PluginDialogs, followSession, plugins } from "../plugins/page";
import { pluginSeam, usePlugins } from "../plugins/seam";
import { Boundary } from "../ui/Boundary";
import { Dialog } from "../ui/Dialog";
import { answerQuestion, useActing } from "./acting";
import { Footer } from "./Footer";
import { Header } from "./Header";
import { useMiddle, useNarrow } from "./narrow";
import { Notices } from "./Notices";
import { Place } from "./Place";
import { type MainPlace, firstPlace, mainPlaces, placeHref, placeOf } from "./places";
import { SignIn } from "./SignIn";
import { Tabs } from "./Tabs";
import { Tree } from "./Tree";
import { Icon } from "../ui/Icon";

export function App(): ReactElement | null {
  const state = useSyncExternalStore(session.subscribe, session.state);
  const signedIn = state.phase === "in" || state.phase === "again";
  usePlugins();
  useEffect(() => followSession(state), [state]);
  if (state.phase === "unknown") return null;
  return (
    <>
      {signedIn && !plugins.holding && <Frame />}
      {state.phase !== "in" && <SignIn state={state} />}
    </>
  );
}

let begun = false;
function begin(): void {
  if (begun) return;
  begun = true;
  live.start();
  void options.load();
  // The list comes first; what stands around it a moment later.
  setTimeout(() => {
    void permits.load();
    void readFeed();
    plugins.loadRest();
  }, 350);
}

function Frame(): ReactElement {
  const address = useAddress();
  const narrow = useNarrow();
  const middle = useMiddle();
  const [folded, setFolded] = useOption<boolean | null>("tree.folded", null);
  const [width, setWidth] = useOption<number>("tree.width", 248);
  const [menu, setMenu] = useState(false);
  usePlugins();
  useEffect(begin, []);
  useEffect(() => {
    if (!address.place) router.go({ place: firstPlace(), params: {} }, true);
  }, [address.place]);
  useEffect(() => setMenu(false), [address]);
  useEffect(goKeys, []);

  const main = placeOf(address);
  const label = byPlace(address.place)?.label ?? main?.label;
  useEffect(() => {
    document.title = label ? `${label} · Ovis` : "Ovis";
  }, [label]);
  const treeThere = main?.tree === true && !narrow;
  const treeFolded = folded ?? middle;
  return (
    <div className="ov-frame" style={{ "--tree": `${width}px` } as React.CSSProperties}>
      <a className="ov-skip" href={location.hash} onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("main [tabindex='0']")?.focus();
        }}
      >
        Skip to content
      </a>
      <Header address={address} narrow={narrow} onMenu={() => setMenu(!menu)} />
      {!narrow && <Tabs address={address} />}
      <div className="ov-middle">
        {treeThere && !treeFolded && (
          <>
            <Tree onFold={() => setFolded(true)} />
            <TreeEdge width={width} onWidth={setWidth} />
          </>
        )}
        {treeThere && treeFolded && (
          <button type="button" className="ov-unfold" aria-label="Unfold the tree" title="Unfold the tree" onClick={() => setFolded(false)}>
            <Icon name="right" size={12} />
          </button>
        )}
        <main>
          <Boundary key={main?.token ?? address.place} what={label ?? "This place"}>
            <Content address={address} main={main} />
          </Boundary>
        </main>
      </div>
      {!narrow && <Footer />}
      {narrow && menu && <NarrowMenu address={address} onClose={() => setMenu(false)} />}
      <Question />
      <Dialogs />
      <PluginDialogs />
      <Notices />
    </div>
  );
}

function Content({ address, main }: { address: Address; main: MainPlace | undefined }): ReactElement {
  const resource = main?.plugin ? undefined : byPlace(address.place);
  if (resource) return <Place resource={resource} address={address} />;
  if (main?.component) {
    const Found = main.component;
    return (
      <Suspense fallback={<div className="ov-loading" aria-busy />}>
        <Found address={address} />
      </Suspense>
    );
  }
  return (
    <div className="ov-empty static">
      {address.place && <p>There is no place named {address.place}.</p>}
      <a href={placeHref(firstPlace())}>To the first one</a>
    </div>
  );
}

function TreeEdge({ width, onWidth }: { width: number; onWidth: (width: number) => void }): ReactElement {
  return (
    <div
      className="ov-edge"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the tree"
      aria-valuenow={width}
      tabIndex={0}
      onKeyDown={(event: KeyboardEvent) => {
        const step = event.key === "ArrowLeft" ? -16 : event.key === "ArrowRight" ? 16 : 0;
        if (step) onWidth(Math.max(200, Math.min(420, width + step)));
      }}
      onPointerDown={(event) => {
        const handle = event.currentTarget;
        handle.setPointerCapture(event.pointerId);
        handle.onpointermove = (to) => onWidth(Math.max(200, Math.min(420, Math.round(to.clientX))));
        handle.onpointerup = () => {
          handle.onpointermove = null;
        };
      }}
    />
  );
}

function NarrowMenu({ address, onClose }: { address: Address; onClose: () => void }): ReactElement {
  return (
    <div className="ov-drawer" role="dialog" aria-label="Menu">
      <button type="button" className="shade" aria-label="Close" onClick={onClose} />
      <nav aria-label="Places">
        {mainPlaces()
          .filter((place) => !place.hidden)
          .map((place) => (
            <a key={place.token} href={placeHref(place.token)} aria-current={place.token === address.place ? "page" : undefined} onClick={onClose}>
              {place.label}
            </a>
          ))}
        <Tree onFold={onClose} />
      </nav>
    </div>
  );
}

/** The question before what cannot be undone. */
function Question(): ReactElement | null {
  const { question } = useActing();
  if (!question) return null;
  return (
    <Dialog
      key={question.title}
      title={question.title}
      width={480}
      onClose={() => answerQuestion(false)}
      onSubmit={() => answerQuestion(true)}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={() => answerQuestion(false)}>
            Cancel
          </button>
          <button type="submit" data-first className={`ov-button ${question.danger ? "danger" : "primary"}`}>
            {question.verb}
          </button>
        </>
      }
    >
      <p>{question.text}</p>
    </Dialog>
  );
}

const GO: Record<string, string> = {
  v: "vms",
  h: "hosts",
  c: "clusters",
  d: "dataCenters",
  s: "storage",
  n: "networks",
  t: "templates",
  k: "disks",
  u: "users",
  e: "events",
};

/** `g` then a letter goes to a place; Ctrl+K finds commands; `?` lists the keys; `t` goes to the tree. */
function goKeys(): () => void {
  let waiting = 0;
  const key = (event: globalThis.KeyboardEvent): void => {
    if (event.ctrlKey && event.key === "k" && !(event.target as Element).closest("dialog")) {
      event.preventDefault();
      openDialog("commands", pluginSeam.current());
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || options.get("keys.off", false)) return;
    if ((event.target as Element).closest("input, textarea, select, dialog, [role=menu]")) return;
    const place = GO[event.key];
    if (Date.now() - waiting < 1200 && place) {
      event.preventDefault();
      event.stopPropagation();
      waiting = 0;
      router.go({ place, params: {} });
    } else if (event.key === "g") {
      waiting = Date.now();
    } else if (event.key === "?") {
      openDialog("keyboard", undefined);
    } else if (event.key === "t") {
      document.querySelector<HTMLElement>(".ov-tree [role=treeitem][tabindex='0']")?.focus();
    }
  };
  addEventListener("keydown", key, true);
  return () => removeEventListener("keydown", key, true);
}
