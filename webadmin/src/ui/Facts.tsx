/** Names and values in columns, as General shows them. */
import type { ReactElement, ReactNode } from "react";
import { DASH } from "./format";

export type Fact = [label: string, value: ReactNode];

export function Facts({ columns }: { columns: Fact[][] }): ReactElement {
  return (
    <div className="ov-facts">
      {columns.map((facts, index) => (
        // Columns never change their order.
        // oxlint-disable-next-line react/no-array-index-key
        <dl key={index}>
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value === "" || value === undefined || value === null || (Array.isArray(value) && value.length === 0) ? <span className="ov-muted">{DASH}</span> : value}</dd>
            </div>
          ))}
        </dl>
      ))}
    </div>
  );
}
