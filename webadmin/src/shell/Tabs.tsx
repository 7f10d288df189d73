/** The main tabs; what does not fit is under "More", never the open one. */
import { type ReactElement, useLayoutEffect, useRef, useState } from "react";
import type { Address } from "../router";
import { usePlugins } from "../plugins/seam";
import { Icon } from "../ui/Icon";
import { MenuButton } from "../ui/Menu";
import { type MainPlace, mainPlaces, placeHref, placeOf } from "./places";
import { keepScope } from "./Tree";

export function Tabs({ address }: { address: Address }): ReactElement {
  usePlugins();
  const box = useRef<HTMLElement>(null);
  const [fits, setFits] = useState(99);
  const all = mainPlaces().filter((place) => !place.hidden);
  const current = placeOf(address)?.token;
  const key = all.map((place) => place.label).join();

  useLayoutEffect(() => {
    const nav = box.current;
    if (!nav) return;
    const measure = (): void => {
      const room = nav.clientWidth - 84;
      let used = 0;
      let number = 0;
      for (const tab of nav.querySelectorAll<HTMLElement>("[data-tab]")) {
        tab.dataset["width"] ??= String(tab.offsetWidth);
        used += Number(tab.dataset["width"]);
        if (used > room) break;
        number += 1;
      }
      setFits(number);
    };
    setFits(99);
    for (const tab of nav.querySelectorAll<HTMLElement>("[data-tab]")) delete tab.dataset["width"];
    const observer = new ResizeObserver(measure);
    observer.observe(nav);
    void document.fonts?.ready.then(measure);
    return () => observer.disconnect();
  }, [key]);

  const at = all.findIndex((place) => place.token === current);
  const gone = (index: number): boolean => (at >= fits ? index >= fits - 1 && index !== at : index >= fits);
  const rest = all.filter((_, index) => gone(index));
  const go = (place: MainPlace): string => keepScope(place, address) ?? placeHref(place.token);
  return (
    <nav className="ov-tabs" aria-label="Places" ref={box}>
      {all.map((place, index) => (
        <a
          key={place.token}
          data-tab
          href={go(place)}
          hidden={gone(index)}
          aria-current={place.token === current ? "page" : undefined}
          className={place.plugin ? "plugin" : ""}
        >
          {place.plugin && <Icon name="plug" size={14} />}
          {place.label}
        </a>
      ))}
      {rest.length > 0 && (
        <MenuButton
          label="More"
          className="ov-button more"
          align="end"
          entries={() => rest.map((place) => ({ label: place.label, onSelect: () => (location.hash = go(place)) }))}
        >
          More <Icon name="down" size={12} />
        </MenuButton>
      )}
    </nav>
  );
}

