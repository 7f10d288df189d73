/** The list at the left of a pane of Configure, with what can be done to its items. */
import type { ReactElement } from "react";
import type { Row } from "../api/client";
import { Icon } from "../ui/Icon";

export interface Tool {
  label: string;
  /** Not possible now: why. */
  not?: string | undefined;
  danger?: boolean;
  run: () => void;
}

export function Items({ label, rows, chosen, onChoose, tools, locked, note }: { label: string; rows: readonly Row[]; chosen: string; onChoose: (id: string) => void; tools: Tool[]; locked?: (row: Row) => boolean; note?: (row: Row) => string }): ReactElement {
  return (
    <div className="ov-items">
      <div className="tools">
        {tools.map((tool) => (
          <button key={tool.label} type="button" className="ov-button" aria-disabled={tool.not !== undefined} title={tool.not} onClick={() => tool.not === undefined && tool.run()}>
            {tool.label}
          </button>
        ))}
      </div>
      <div role="listbox" aria-label={label}>
        {rows.map((row) => (
          <div
            key={row.id}
            role="option"
            aria-selected={chosen === row.id}
            aria-label={row.name}
            tabIndex={0}
            onClick={() => onChoose(row.id)}
            onKeyDown={(event) => {
              if (event.key === "Enter" || event.key === " ") onChoose(row.id);
            }}
          >
            {locked?.(row) && <Icon name="lock" size={12} />}
            {row.name}
            {note?.(row) && <span className="ov-muted">{note(row)}</span>}
          </div>
        ))}
      </div>
    </div>
  );
}
