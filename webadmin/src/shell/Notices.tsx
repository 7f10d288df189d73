import type { ReactElement } from "react";
import { Icon } from "../ui/Icon";
import { type StateOf, StateIcon } from "../ui/StateIcon";
import { type Kind, dismiss, hold, release, useNotices } from "./notices";

const SIGNS: Record<Kind, StateOf> = {
  info: { shape: "info", tone: "grey", word: "Information" },
  success: { shape: "ok", tone: "green", word: "Done" },
  warning: { shape: "warning", tone: "amber", word: "Warning" },
  danger: { shape: "bad", tone: "red", word: "Error" },
};

export function Notices(): ReactElement {
  return (
    <ul className="ov-notices" role="status" aria-label="Notices">
      {useNotices().map(({ key, kind, text, detail }) => (
        <li
          key={key}
          className={kind}
          onMouseEnter={() => hold(key)}
          onMouseLeave={() => release(key)}
          onFocus={() => hold(key)}
          onBlur={() => release(key)}
        >
          <StateIcon state={SIGNS[kind]} />
          <div>
            <p>{text}</p>
            {detail && <p className="ov-muted">{detail}</p>}
          </div>
          <button type="button" className="ov-button bare" aria-label="Dismiss" onClick={() => dismiss(key)}>
            <Icon name="close" size={12} />
          </button>
        </li>
      ))}
    </ul>
  );
}
