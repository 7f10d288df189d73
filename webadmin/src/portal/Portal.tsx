/**
 * The VM portal: an ordinary user's VMs, the pools he may take one from, the templates he may make one of.
 *
 * Does: the web admin's lists, pages and dialogs with what such a user needs, by the same stream. The API shows him what is his.
 */
import { type ReactElement, useEffect, useState, useSyncExternalStore } from "react";
import { session } from "../api/session";
import { readFeed } from "../data/feed";
import { options } from "../data/options";
import { permits } from "../data/permits";
import { Dialogs, openDialog } from "../dialogs/registry";
import { live, useLink } from "../live/stream";
import { type Address, router, useAddress } from "../router";
import { Notices } from "../shell/Notices";
import { Place } from "../shell/Place";
import { SignIn } from "../shell/SignIn";
import { useNarrow } from "../shell/narrow";
import { theme, toggleTheme } from "../shell/theme";
import { Question } from "../console/Question";
import { Boundary } from "../ui/Boundary";
import { time } from "../ui/format";
import { Icon, Mark } from "../ui/Icon";
import { type Entry, MenuButton } from "../ui/Menu";
import { PLACES, mayCreate, placeOf } from "./places";

export function Portal(): ReactElement | null {
  const state = useSyncExternalStore(session.subscribe, session.state);
  if (state.phase === "unknown") return null;
  return (
    <>
      {(state.phase === "in" || state.phase === "again") && <Frame />}
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
  void permits.load();
  void readFeed();
}

function Frame(): ReactElement {
  const address = useAddress();
  const [creator, setCreator] = useState(false);
  const resource = placeOf(address.place, creator);
  useEffect(() => {
    begin();
    void mayCreate().then(setCreator, () => undefined);
  }, []);
  useEffect(() => {
    if (!resource) router.go({ place: "vms", params: {} }, true);
  }, [resource]);
  useEffect(() => {
    document.title = resource ? `${resource.label} · VM Portal` : "VM Portal";
  }, [resource]);
  return (
    <div className="ov-frame">
      <Header address={address} creator={creator} />
      <nav className="ov-tabs" aria-label="Places">
        {PLACES.map(({ place, label }) => (
          <a key={place} href={`#${place}`} aria-current={place === address.place ? "page" : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <div className="ov-middle">
        <main>
          <h1 className="ov-hidden">{resource?.label ?? "VM Portal"}</h1>
          <Boundary key={address.place} what={resource?.label ?? "This place"}>
            {resource && <Place resource={resource} address={address} />}
          </Boundary>
        </main>
      </div>
      <Question />
      <Dialogs />
      <Notices />
    </div>
  );
}

function Header({ address, creator }: { address: Address; creator: boolean }): ReactElement {
  useSyncExternalStore(options.subscribe, options.all);
  const narrow = useNarrow();
  const link = useLink();
  const who = session.who();
  const dark = theme() === "dark";
  const entries = (): Entry[] => [
    ...(narrow && creator ? [{ label: "New VM", icon: "plus" as const, onSelect: () => openDialog("portal-new-vm", undefined) }] : []),
    { label: dark ? "Light theme" : "Dark theme", icon: dark ? "sun" : "moon", onSelect: toggleTheme },
    ...(who?.administrator ? [{ label: "Web Admin", icon: "gear" as const, href: "../webadmin/" }] : []),
    "line",
    { label: "Log out", icon: "power", onSelect: () => void session.signOut() },
  ];
  return (
    <header className="ov-header">
      <a className="brand" href="#vms" aria-label="VM Portal">
        <Mark />
        {!narrow && "VM Portal"}
      </a>
      <Search key={address.place} address={address} />
      <nav aria-label="User">
        {link.state === "broken" && <span className="pt-link">Reconnecting, data from {time(link.since)}</span>}
        <MenuButton label={`User menu of ${who?.user ?? ""}`} className="user" align="end" entries={entries}>
          <span className="face" data-initials={(who?.user ?? "").slice(0, 2).toUpperCase()} />
          {!narrow && (
            <>
              {who?.user}
              <Icon name="down" size={12} />
            </>
          )}
        </MenuButton>
      </nav>
    </header>
  );
}

const PAUSE_MS = 250;

/** Names, as they are typed; the engine searches. */
function Search({ address }: { address: Address }): ReactElement {
  const given = address.params["search"] ?? "";
  const [typed, setTyped] = useState(given);
  useEffect(() => {
    if (typed.trim() === given) return undefined;
    const timer = setTimeout(() => router.go({ place: address.place, params: typed.trim() ? { search: typed.trim() } : {} }, true), PAUSE_MS);
    return () => clearTimeout(timer);
    // What is typed leads; the address follows.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [typed]);
  return (
    <label className="pt-search">
      <Icon name="search" />
      <input type="search" aria-label="Search" placeholder={`Search ${placeOf(address.place, false)?.label ?? "VMs"}`} value={typed} onChange={(event) => setTyped(event.target.value)} />
    </label>
  );
}
