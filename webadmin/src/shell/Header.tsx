/** The dark bar: mark, search, help and settings, who is signed in. */
import { type ReactElement, useState, useSyncExternalStore } from "react";
import { session } from "../api/session";
import { useFeed } from "../data/feed";
import { options } from "../data/options";
import { hasDialog, openDialog } from "../dialogs/registry";
import { byPlace } from "../resources";
import type { Address } from "../router";
import { Icon, Mark } from "../ui/Icon";
import { type Entry, MenuButton } from "../ui/Menu";
import { SearchBox } from "./SearchBox";
import { firstPlace, mainPlaces, placeHref } from "./places";
import { theme, toggleTheme } from "./theme";

export function Header({ address, narrow, onMenu }: { address: Address; narrow: boolean; onMenu: () => void }): ReactElement {
  useSyncExternalStore(options.subscribe, options.all);
  const { alerts } = useFeed();
  const [searching, setSearching] = useState(false);
  const who = session.who()?.user ?? "";
  const initials = who.slice(0, 2).toUpperCase();
  const dark = theme() === "dark";
  const userMenu = (): Entry[] => [
    ...(narrow ? [{ label: dark ? "Light theme" : "Dark theme", icon: dark ? ("sun" as const) : ("moon" as const), onSelect: toggleTheme }] : []),
    ...(hasDialog("options") ? [{ label: "Options", icon: "gear" as const, onSelect: () => openDialog("options", undefined) }] : []),
    { label: "Keyboard", icon: "help", onSelect: () => openDialog("keyboard", undefined) },
    { label: "VM Portal", icon: "vm", href: "../web-ui/" },
    "line",
    { label: "Log out", icon: "power", onSelect: () => void session.signOut() },
  ];
  const help = (): Entry[] => [
    { label: "Keyboard", onSelect: () => openDialog("keyboard", undefined) },
    { label: "API", href: "../api" },
    { label: "About", onSelect: () => openDialog("about", undefined) },
  ];
  return (
    <header className="ov-header">
      {narrow && (
        <button type="button" className="round" aria-label="Menu" onClick={onMenu}>
          <Icon name="menu" size={18} />
        </button>
      )}
      <a className="brand" href={placeHref(firstPlace())} aria-label="Ovis">
        <Mark />
        {narrow ? (byPlace(address.place)?.label ?? mainPlaces().find((place) => place.token === address.place)?.label ?? "Ovis") : "Ovis"}
      </a>
      {(!narrow || searching) && <SearchBox address={address} onLeave={() => setSearching(false)} />}
      <nav aria-label="Help and settings">
        {narrow && (
          <button type="button" className="round" aria-label="Open search" onClick={() => setSearching(true)}>
            <Icon name="search" size={18} />
          </button>
        )}
        {narrow && (
          <button type="button" className="round" aria-label="Messages" onClick={() => openDialog("messages", undefined)}>
            <Icon name="event" size={18} />
            {alerts.length > 0 && <i className="dot" />}
          </button>
        )}
        {!narrow && hasDialog("guide") && (
          <button type="button" className="round" aria-label="Guide" title="Guide" onClick={() => openDialog("guide", undefined)}>
            <Icon name="guide" />
          </button>
        )}
        {!narrow && hasDialog("configure") && (
          <button type="button" className="round" aria-label="Configure" title="Configure" onClick={() => openDialog("configure", undefined)}>
            <Icon name="gear" />
          </button>
        )}
        {!narrow && (
          <MenuButton label="Help" className="round" align="end" entries={help}>
            <Icon name="help" />
          </MenuButton>
        )}
        {!narrow && (
          <button type="button" className="round" aria-label={dark ? "Light theme" : "Dark theme"} title={dark ? "Light theme" : "Dark theme"} onClick={toggleTheme}>
            <Icon name={dark ? "sun" : "moon"} />
          </button>
        )}
        <MenuButton label={`User menu of ${who}`} className="user" align="end" entries={userMenu}>
          <span className="face" data-initials={initials} />
          {!narrow && (
            <>
              {who}
              <Icon name="down" size={12} />
            </>
          )}
        </MenuButton>
      </nav>
    </header>
  );
}
