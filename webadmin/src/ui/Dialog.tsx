/**
 * The frame of every dialog: title, body that scrolls alone, footer.
 *
 * Does: name itself by its title, keep the focus inside, close by Esc and "Close" (asking if something was entered),
 * be drawn by its title. Does not: know what is inside.
 */
import { type FormEvent, type PointerEvent, type ReactElement, type ReactNode, useEffect, useId, useRef } from "react";
import { Icon } from "./Icon";

interface Props {
  title: string;
  /** 480 confirms, 720 forms, 1000 tabs and verdicts, 1120 wiring, 1280 editors. */
  width?: number | string;
  height?: number | string | undefined;
  /** Without "Close", or without Esc. */
  closable?: boolean;
  escapable?: boolean;
  children: ReactNode;
  /** What will happen, at the left of the footer. */
  what?: ReactNode;
  buttons?: ReactNode;
  /** Between the title and Close. */
  head?: ReactNode;
  changed?: boolean | undefined;
  onClose: () => void;
  onSubmit?: (() => void) | undefined;
}

export function Dialog({ title, width = 720, height, children, what, buttons, head, changed, closable = true, escapable = true, onClose, onSubmit }: Props): ReactElement {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    if (!dialog) return;
    const before = document.activeElement;
    dialog.showModal();
    const first = dialog.querySelector<HTMLElement>("[data-first]") ?? dialog.querySelector<HTMLElement>(".ov-dialog-body :is(input, select, textarea, button, [tabindex='0'])");
    first?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  const leave = (): void => {
    if (changed && !window.confirm("What you entered is lost when this closes. Close it?")) return;
    onClose();
  };
  const drag = (event: PointerEvent<HTMLElement>): void => {
    const dialog = box.current;
    if (!dialog || event.button !== 0 || (event.target as Element).closest("button, input, a, select")) return;
    const start = dialog.getBoundingClientRect();
    const { clientX, clientY } = event;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (to) => {
      dialog.style.margin = "0";
      dialog.style.left = `${Math.max(16 - start.width / 2, Math.min(innerWidth - 80, start.left + to.clientX - clientX))}px`;
      dialog.style.top = `${Math.max(0, Math.min(innerHeight - 56, start.top + to.clientY - clientY))}px`;
    };
    handle.onpointerup = () => {
      handle.onpointermove = null;
    };
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit?.();
  };

  return (
    <dialog
      ref={box}
      className="ov-dialog"
      aria-labelledby={id}
      style={{ width, ...(height ? { height } : {}) }}
      onCancel={(event) => {
        event.preventDefault();
        if (escapable && event.target === box.current) leave();
      }}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <form noValidate onSubmit={submit}>
        <header className="ov-dialog-head" onPointerDown={drag}>
          <h2 id={id}>{title}</h2>
          {head}
          {closable && (
            <button type="button" className="ov-button bare" aria-label="Close" title="Close" onClick={leave}>
              <Icon name="close" />
            </button>
          )}
        </header>
        <div className="ov-dialog-body">{children}</div>
        {(buttons || what) && (
          <footer className="ov-dialog-foot">
            <div className="what">{what}</div>
            {buttons}
          </footer>
        )}
      </form>
    </dialog>
  );
}

/** What the API refused, at the top of a body. */
export function FaultBox({ sentences, id }: { sentences: string[]; id?: string | undefined }): ReactElement | null {
  if (sentences.length === 0) return null;
  return (
    <div className="ov-fault" role="alert">
      <Icon name="alert" />
      <div>
        {sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        {id && <p className="ov-muted">Correlation id: {id}</p>}
      </div>
    </div>
  );
}
