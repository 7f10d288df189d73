/** A text that floats while what it explains is hovered or has the focus. */
import { type ReactElement, type ReactNode, cloneElement, isValidElement, useEffect, useLayoutEffect, useRef, useState } from "react";
import { placeBeside } from "./floating";

export function Tip({ text, children }: { text: string | undefined; children: ReactElement<Record<string, unknown>> }): ReactNode {
  const [open, setOpen] = useState(false);
  const owner = useRef<HTMLElement | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const shown = open && Boolean(text);
  useLayoutEffect(() => {
    if (!shown || !box.current || !owner.current) return;
    box.current.showPopover();
    placeBeside(box.current, owner.current.getBoundingClientRect());
  }, [shown, text]);
  useEffect(() => {
    if (!shown) return;
    const away = (event: KeyboardEvent): void => {
      if (event.key === "Escape") setOpen(false);
    };
    addEventListener("keydown", away);
    return () => removeEventListener("keydown", away);
  }, [shown]);
  if (!isValidElement(children)) return children;
  const show = (event: { currentTarget: EventTarget }): void => {
    owner.current = event.currentTarget as HTMLElement;
    setOpen(true);
  };
  const hide = (): void => setOpen(false);
  return (
    <>
      {cloneElement(children, {
        onMouseEnter: show,
        onMouseLeave: hide,
        onFocus: show,
        onBlur: hide,
        ...(text ? { "aria-description": text.replace(/\n/g, " ") } : {}),
      })}
      {shown && (
        <div ref={box} className="ov-tip" popover="manual" role="tooltip">
          {text}
        </div>
      )}
    </>
  );
}
