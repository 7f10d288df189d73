/** Ctrl+K: places and what can be done to what is chosen, by a few letters. */
import { type KeyboardEvent, type ReactElement, useState } from "react";
import { byPlace } from "../resources";
import { router } from "../router";
import { act, possible } from "../shell/acting";
import { mainPlaces, placeHref } from "../shell/places";
import { toggleTheme } from "../shell/theme";
import { pluginSeam } from "../plugins/seam";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import type { DialogProps } from "./registry";

interface Command {
  label: string;
  hint: string;
  run: () => void;
}

function commands(rows: DialogProps["rows"]): Command[] {
  const resource = byPlace(router.address().place);
  const actions = resource ? pluginSeam.withActions(resource) : [];
  const doable = actions.flatMap((action): Command[] => {
    const found = resource && possible(action, resource, action.on === "none" ? [] : rows);
    if (!found || found.disabled || !resource) return [];
    return [{ label: action.label, hint: action.on === "none" ? resource.one : found.rows.map((row) => resource.title(row)).join(", "), run: () => act(found, resource) }];
  });
  return [
    ...doable,
    ...mainPlaces().map((place): Command => ({ label: place.label, hint: "place", run: () => (location.hash = placeHref(place.token)) })),
    { label: "Light or dark theme", hint: "", run: toggleTheme },
  ];
}

export default function Commands({ rows, onClose }: DialogProps): ReactElement {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const letters = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands(rows).filter(({ label, hint }) => letters.every((part) => `${label} ${hint}`.toLowerCase().includes(part)));
  const take = (command: Command | undefined): void => {
    if (!command) return;
    onClose();
    command.run();
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setChosen(Math.min(found.length - 1, chosen + 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(0, chosen - 1));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Commands" width={560} height={440} onClose={onClose} onSubmit={() => take(found[chosen])}>
      <input
        data-first
        className="ov-filter wide"
        role="combobox"
        aria-label="Command"
        aria-expanded
        aria-controls="ov-commands"
        aria-activedescendant={found[chosen] ? `ov-command-${chosen}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={keys}
      />
      <ul id="ov-commands" role="listbox" aria-label="Commands" className="ov-commands">
        {found.map((command, index) => (
          <li key={`${command.label}/${command.hint}`} id={`ov-command-${index}`} role="option" aria-selected={index === chosen} onClick={() => take(command)}>
            <Icon name="right" size={12} />
            {command.label}
            <span className="ov-muted">{command.hint}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
