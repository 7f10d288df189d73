/** The question before what cannot be undone, outside the frame. */
import type { ReactElement } from "react";
import { answerQuestion, useActing } from "../shell/acting";
import { Dialog } from "../ui/Dialog";

export function Question(): ReactElement | null {
  const { question } = useActing();
  if (!question) return null;
  return (
    <Dialog
      key={question.title}
      title={question.title}
      width={480}
      onClose={() => answerQuestion(false)}
      onSubmit={() => answerQuestion(true)}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={() => answerQuestion(false)}>
            Cancel
          </button>
          <button type="submit" data-first className={`ov-button ${question.danger ? "danger" : "primary"}`}>
            {question.verb}
          </button>
        </>
      }
    >
      <p>{question.text}</p>
    </Dialog>
  );
}
