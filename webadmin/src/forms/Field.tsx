/** One field of a form: label at the left, control, help or fault below it. */
import { type ReactElement, type ReactNode, useId } from "react";
import type { Row } from "../api/client";
import { Icon } from "../ui/Icon";
import "./forms.css";
import type { Choice, Field, Values } from "./fields";

interface Props {
  field: Field;
  values: Values;
  row?: Row | undefined;
  fault?: string | undefined;
  /** Label above instead of beside it (the strip over the tabs). */
  above?: boolean;
  onChange: (path: string, value: string) => void;
  onLeave?: (path: string) => void;
}

export const choicesOf = (field: Field, values: Values): readonly Choice[] =>
  field.kind === "choice" ? (typeof field.choices === "function" ? field.choices(values) : field.choices) : [];

export function FieldRow({ field, values, row, fault, above, onChange, onLeave }: Props): ReactElement | null {
  const id = useId();
  if (field.when && !field.when(values)) return null;
  const value = values[field.path] ?? "";
  const fixed = field.fixed?.(values, row);
  const common = {
    id,
    "aria-required": field.required || undefined,
    "aria-invalid": fault ? true : undefined,
    "aria-describedby": fault || field.help || fixed ? `${id}-help` : undefined,
    disabled: fixed !== undefined,
    "data-first": field.path === "name" && !above ? true : undefined,
    onBlur: () => onLeave?.(field.path),
  };
  const help = fault ? (
    <p className="ov-field-fault" id={`${id}-help`} role="alert">
      {fault}
    </p>
  ) : fixed || field.help ? (
    <p className="ov-field-help" id={`${id}-help`}>
      {fixed ?? field.help}
    </p>
  ) : null;
  if (field.kind === "check")
    return (
      <div className="ov-field">
        <span />
        <div>
          <label className="ov-field-check">
            <input {...common} type="checkbox" className="ov-check" checked={value === "true"} onChange={(event) => onChange(field.path, String(event.target.checked))} />
            {field.label}
          </label>
          {help}
        </div>
      </div>
    );
  return (
    <div className={above ? "ov-field above" : "ov-field"}>
      <label htmlFor={id}>
        {field.label}
        {field.required && (
          <span className="ov-field-must" aria-hidden="true">
            {" "}
            *
          </span>
        )}
      </label>
      <div>
        <Control field={field} value={value} values={values} common={common} onChange={(next) => onChange(field.path, next)} />
        {help}
      </div>
    </div>
  );
}

function Control({ field, value, values, common, onChange }: { field: Field; value: string; values: Values; common: Record<string, unknown>; onChange: (value: string) => void }): ReactElement {
  switch (field.kind) {
    case "area":
      return <textarea {...common} className="ov-input ov-mono" rows={5} value={value} spellCheck={false} onChange={(event) => onChange(event.target.value)} />;
    case "choice": {
      const choices = choicesOf(field, values);
      const known = value === "" || choices.some((choice) => choice.value === value);
      return (
        <span className="ov-select">
          <select {...common} className="ov-input" value={value} onChange={(event) => onChange(event.target.value)}>
            {(field.none !== undefined || value === "") && <option value="">{field.none ?? ""}</option>}
            {!known && <option value={value}>{value}</option>}
            {choices.map((choice) => (
              <option key={choice.value} value={choice.value}>
                {choice.note ? `${choice.label}  (${choice.note})` : choice.label}
              </option>
            ))}
          </select>
          <Icon name="down" />
        </span>
      );
    }
    case "number":
      return (
        <span className="ov-number">
          <input {...common} className="ov-input" inputMode="numeric" value={value} onChange={(event) => onChange(event.target.value)} />
          {field.unit && <span className="ov-muted">{field.unit}</span>}
        </span>
      );
    case "bytes":
      return <input {...common} className="ov-input ov-short" value={value} placeholder={field.unit ?? "MiB"} onChange={(event) => onChange(event.target.value)} />;
    case "password":
      return <input {...common} className="ov-input" type="password" autoComplete="new-password" value={value} onChange={(event) => onChange(event.target.value)} />;
    case "text":
    case "mono":
      return (
        <input
          {...common}
          className={field.kind === "mono" ? "ov-input ov-mono" : "ov-input"}
          value={value}
          placeholder={field.placeholder}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
      );
    case "check":
      return <></>;
  }
}

/** A heading inside a form, with what can be added at its right. */
export function FormSection({ title, tools, children }: { title?: string | undefined; tools?: ReactNode; children: ReactNode }): ReactElement {
  return (
    <section className="ov-form-section" aria-label={title}>
      {title && (
        <header>
          <h3>{title}</h3>
          {tools}
        </header>
      )}
      {children}
    </section>
  );
}
