/** What is done and what is still missing, in order, each with the button that does it. */
import type { ReactElement } from "react";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { StateIcon } from "../ui/StateIcon";
import "./guide.css";

export interface Step {
  title: string;
  done: boolean;
  /** What there is, or why it is needed. */
  says: string;
  /** Cannot be done before another; the sentence says which. */
  waits?: boolean;
  /** The rest works without. */
  optional?: boolean;
  act?: { label: string; run: () => void } | undefined;
}

export function Guide({ title, about, steps, onClose }: { title: string; about: string; steps: Step[]; onClose: () => void }): ReactElement {
  const missing = steps.filter((step) => !step.done && !step.optional);
  const next = missing.find((step) => !step.waits);
  return (
    <Dialog
      title={title}
      width={720}
      onClose={onClose}
      what={missing.length === 0 ? "Nothing is missing." : `${missing.length} of ${steps.filter((step) => !step.optional).length} are missing.`}
      buttons={
        <button type="button" className={missing.length === 0 ? "ov-button primary" : "ov-button"} onClick={onClose}>
          {missing.length === 0 ? "Done" : "Configure Later"}
        </button>
      }
    >
      <p className="ov-muted">{about}</p>
      <ol className="ov-guide" aria-label="Steps">
        {steps.map((step) => (
          <li key={step.title} className={step.done ? "done" : step === next ? "next" : ""}>
            {step.done ? <StateIcon state={{ shape: "ok", tone: "green", word: "Done" }} /> : <Icon name={step.optional ? "plus" : "right"} label={step.optional ? "Optional" : "Missing"} />}
            <div>
              <b>{step.title}</b>
              <p>{step.says}</p>
            </div>
            {step.act && (
              <button type="button" className={step === next ? "ov-button primary" : "ov-button outline"} aria-disabled={step.waits || undefined} title={step.waits ? step.says : undefined} onClick={() => step.waits || step.act?.run()}>
                {step.act.label}
              </button>
            )}
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

/** "a", "a and 2 more", for what there is already. */
export const someOf = (names: (string | undefined)[]): string => (names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(" and "));
