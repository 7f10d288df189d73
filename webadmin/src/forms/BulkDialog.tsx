/** A dialog that does one thing to each of several objects, with a few fields; what is refused stays, by name. */
import { type ReactElement, type ReactNode, useState } from "react";
import type { Row } from "../api/client";
import { sentencesOf } from "../api/fault";
import { outdated } from "../data/queries";
import { Dialog, FaultBox } from "../ui/Dialog";
import { FieldRow } from "./Field";
import { type Field, type Values, wrong } from "./fields";

interface Props {
  title: string;
  rows: readonly Row[];
  name?: (row: Row) => string;
  fields?: Field[];
  defaults?: Values;
  /** The confirming button: verb and number. */
  verb: string;
  danger?: boolean;
  children?: ReactNode;
  each: (row: Row, values: Values) => Promise<unknown>;
  /** Paths that are out of date afterwards. */
  touches?: string;
  onClose: () => void;
}

export function BulkDialog({ title, rows, name = (row) => row.name ?? row.id, fields = [], defaults = {}, verb, danger, children, each, touches, onClose }: Props): ReactElement {
  const [entered, setEntered] = useState<Values>({});
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState<string[]>([]);
  const [left, setLeft] = useState(rows);
  const [busy, setBusy] = useState(false);
  const values = { ...defaults, ...entered };
  const submit = async (): Promise<void> => {
    if (busy) return;
    const found = Object.fromEntries(fields.flatMap((field) => [[field.path, wrong(field, values)] as const]).filter((pair): pair is [string, string] => pair[1] !== undefined));
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    const results = await Promise.allSettled(left.map((row) => each(row, values)));
    setBusy(false);
    outdated(touches ?? "/");
    const failed = left.filter((_, index) => results[index]?.status === "rejected");
    if (failed.length === 0) return onClose();
    setRefused(results.flatMap((result, index) => (result.status === "rejected" ? sentencesOf(result.reason).map((one) => `${name(left[index] as Row)}: ${one}`) : [])));
    setLeft(failed);
  };
  return (
    <Dialog
      title={title}
      width={fields.length > 0 ? 720 : 480}
      changed={Object.keys(entered).length > 0}
      onClose={onClose}
      onSubmit={() => void submit()}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={`ov-button ${danger ? "danger" : "primary"}`} aria-busy={busy}>
            {refused.length > 0 ? `Try the ${left.length} again` : verb}
          </button>
        </>
      }
    >
      <div className="ov-form">
        <FaultBox sentences={refused} />
        {children}
        <p>
          {left.length === 1 ? <b>{name(left[0] as Row)}</b> : left.slice(0, 10).map(name).join(", ")}
          {left.length > 10 && ` and ${left.length - 10} more`}
        </p>
        {fields.map((field) => (
          <FieldRow key={field.path} field={field} values={values} fault={faults[field.path]} onChange={(path, value) => setEntered((now) => ({ ...now, [path]: value }))} />
        ))}
      </div>
    </Dialog>
  );
}
