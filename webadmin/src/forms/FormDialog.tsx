/**
 * A dialog that makes or changes one object: fields of a declaration, on side tabs where there are many.
 *
 * Does: check on leaving a field and on OK, send once, put the API's faults at their fields, keep all input when it fails,
 * close when the API accepted. Does not: wait for the end of long work (that is in the drawer).
 */
import { type ReactElement, type ReactNode, useMemo, useRef, useState } from "react";
import { type Row, post, put } from "../api/client";
import { Fault, sentencesOf } from "../api/fault";
import { useOption } from "../data/options";
import { outdated } from "../data/queries";
import { Dialog, FaultBox } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { FieldRow, FormSection } from "./Field";
import { type Field, type FormTab, type Values, documentOf, placeFaults, valuesOf, wrong } from "./fields";

export interface FormProps {
  title: string;
  /** One tab: no side tabs are drawn. */
  tabs: FormTab[];
  /** Above the tabs: choices that fill others. */
  top?: Field[];
  /** What is changed; none: something new is made. */
  row?: Row | undefined;
  /** Values of something new. */
  defaults?: Values;
  /** Collection to add to; the object's own path when it changes. */
  path: string;
  width?: number;
  height?: number;
  ok?: string;
  /** More parts of a tab, below its fields; they may keep state of their own. */
  extra?: Partial<Record<string, ReactNode>>;
  /** Values that fields do not hold, put into the document before it is sent. */
  finish?: (document: Record<string, unknown>, values: Values) => void;
  /** Instead of POST or PUT. */
  send?: (document: Record<string, unknown>, values: Values) => Promise<Row | undefined | void>;
  /** What else is to be done once it exists, e.g. its disks. */
  after?: (made: Row, values: Values) => Promise<unknown>;
  /** Left of the buttons. */
  what?: (values: Values) => ReactNode;
  /** The user has entered something outside the fields. */
  touched?: boolean;
  onClose: () => void;
}

export function FormDialog(props: FormProps): ReactElement {
  const { title, tabs, top = [], row, defaults, path, extra = {}, onClose } = props;
  const fields = useMemo(() => [...top, ...tabs.flatMap((tab) => tab.sections.flatMap((section) => section.fields))], [top, tabs]);
  const [before] = useState<Values>(() => ({ ...(row ? unsent(defaults) : defaults), ...valuesOf(fields, row) }));
  const [entered, setEntered] = useState<Values>({});
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [general, setGeneral] = useState<{ sentences: string[]; id?: string | undefined }>({ sentences: [] });
  const [busy, setBusy] = useState(false);
  const made = useRef<Row | undefined>(undefined);
  const [advanced, setAdvanced] = useOption<boolean>("forms.advanced", false);
  // Defaults may come later than the dialog (lists that are read); what the user entered wins.
  const values = useMemo(() => ({ ...(row ? {} : defaults), ...before, ...definedOnly(row ? undefined : defaults, before), ...entered }), [row, defaults, before, entered]);
  const base = row ? before : undefined;
  const anyAdvanced = tabs.some((tab) => tab.advanced || tab.sections.some((section) => section.fields.some((field) => field.advanced)));
  const shown = tabs.filter((tab) => advanced || !tab.advanced);
  const [tabId, setTabId] = useState(shown[0]?.id ?? "");
  const tab = shown.find((one) => one.id === tabId) ?? shown[0];
  const changed = Object.keys(entered).some((key) => entered[key] !== (before[key] ?? "")) || props.touched === true;

  const change = (key: string, value: string): void => {
    const field = fields.find((one) => one.path === key);
    const others = field?.fills?.(value, values);
    setEntered((now) => ({ ...now, ...others, [key]: value }));
    setFaults((now) => without(now, key));
  };
  const leave = (key: string): void => {
    const field = fields.find((one) => one.path === key);
    const found = field && (values[key] ?? "") !== "" ? wrong(field, values) : undefined;
    setFaults((now) => (found ? { ...now, [key]: found } : without(now, key)));
  };
  const tabOf = (key: string): FormTab | undefined => tabs.find((one) => one.sections.some((section) => section.fields.some((field) => field.path === key)));
  const show = (found: Record<string, string>): void => {
    setFaults(found);
    const first = Object.keys(found)[0];
    const at = first ? tabOf(first) : undefined;
    if (at) {
      if (at.advanced || fields.find((field) => field.path === first)?.advanced) setAdvanced(true);
      setTabId(at.id);
    }
  };

  const submit = async (): Promise<void> => {
    if (busy) return;
    const found: Record<string, string> = {};
    for (const field of fields) {
      const fault = field.when && !field.when(values) ? undefined : wrong(field, values);
      if (fault) found[field.path] = fault;
    }
    setGeneral({ sentences: [] });
    if (Object.keys(found).length > 0) return show(found);
    setBusy(true);
    try {
      if (!made.current) {
        const document = documentOf(fields, values, base);
        props.finish?.(document, values);
        if (props.send) made.current = (await props.send(document, values)) ?? row ?? { id: "" };
        else if (!row) made.current = await post<Row>(path, document);
        else made.current = Object.keys(document).length > 0 ? await put<Row>(path, document) : row;
      }
      await props.after?.(made.current, values);
      outdated(path);
      onClose();
    } catch (error) {
      const { "": rest, ...placed } = placeFaults(fields, sentencesOf(error));
      if (Object.keys(placed).length > 0) show(placed);
      const id = error instanceof Fault ? error.correlationId : undefined;
      setGeneral({ sentences: rest ? [rest] : [], id });
    } finally {
      setBusy(false);
    }
  };

  const draw = (field: Field, above = false): ReactElement | null =>
    field.advanced && !advanced ? null : (
      <FieldRow key={field.path} field={field} values={values} row={row} above={above} fault={faults[field.path]} onChange={change} onLeave={leave} />
    );
  const count = Object.keys(faults).length;
  const body = tab && (
    <div className="ov-form">
      <FaultBox sentences={general.sentences} id={general.id} />
      {tab.sections.filter((section) => section.fields.some((field) => (advanced || !field.advanced) && (!field.when || field.when(values)))).map((section, index) => (
        <FormSection key={section.title ?? index} title={section.title}>
          {section.fields.map((field) => draw(field))}
        </FormSection>
      ))}
      {extra[tab.id]}
    </div>
  );
  return (
    <Dialog
      title={title}
      width={props.width ?? (tabs.length > 1 ? 1000 : 720)}
      height={props.height ?? (tabs.length > 1 ? 720 : undefined)}
      changed={changed}
      onClose={onClose}
      onSubmit={() => void submit()}
      head={
        anyAdvanced && (
          <div className="ov-toggle" role="group" aria-label="How much is shown">
            <button type="button" aria-pressed={!advanced} onClick={() => setAdvanced(false)}>
              Basic
            </button>
            <button type="button" aria-pressed={advanced} onClick={() => setAdvanced(true)}>
              Advanced
            </button>
          </div>
        )
      }
      what={
        <>
          {props.what?.(values)}
          {count > 0 && (
            <span className="ov-field-fault" role="status">
              {count === 1 ? "1 field to correct" : `${count} fields to correct`}
            </span>
          )}
        </>
      }
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-busy={busy}>
            {props.ok ?? "OK"}
          </button>
        </>
      }
    >
      {top.length > 0 && <div className="ov-form-top">{top.map((field) => draw(field, true))}</div>}
      {shown.length > 1 ? (
        <div className="ov-form-tabs">
          <div role="tablist" aria-orientation="vertical" aria-label={title}>
            {shown.map((one) => {
              const keys = one.sections.flatMap((section) => section.fields.map((field) => field.path));
              const bad = keys.some((key) => faults[key]);
              const altered = keys.some((key) => entered[key] !== undefined && entered[key] !== (before[key] ?? ""));
              return (
                <button key={one.id} type="button" role="tab" aria-selected={one === tab} onClick={() => setTabId(one.id)}>
                  {one.label}
                  {bad ? <Icon name="alert" /> : altered ? <span className="ov-dot" aria-hidden="true" /> : null}
                </button>
              );
            })}
          </div>
          <div role="tabpanel" aria-label={tab?.label}>
            {body}
          </div>
        </div>
      ) : (
        body
      )}
    </Dialog>
  );
}

const without = (all: Record<string, string>, key: string): Record<string, string> => Object.fromEntries(Object.entries(all).filter(([one]) => one !== key));

/** Of the defaults, those that the object itself cannot say. */
const unsent = (defaults: Values | undefined): Values => Object.fromEntries(Object.entries(defaults ?? {}).filter(([key]) => key.startsWith("~")));

/** Defaults for what was empty when the dialog opened. */
function definedOnly(defaults: Values | undefined, before: Values): Values {
  return Object.fromEntries(Object.entries(defaults ?? {}).filter(([key]) => before[key] === undefined || before[key] === ""));
}
