/** The panes of the drawer. */
import { type ReactElement, useState } from "react";
import { post, remove, text } from "../api/client";
import { sentencesOf } from "../api/fault";
import { type Job, useFeed } from "../data/feed";
import { names, useNames } from "../data/names";
import { severity } from "../data/severity";
import { Icon } from "../ui/Icon";
import { type StateOf, StateIcon } from "../ui/StateIcon";
import { ago, counted, exact, exactWithZone, moment, percent, span } from "../ui/format";
import { type Bulk, forget, run, useActing } from "./acting";
import { notify } from "./notices";

const JOB: Record<string, StateOf> = {
  started: { shape: "busy", tone: "accent", word: "Running" },
  finished: { shape: "ok", tone: "green", word: "Done" },
  failed: { shape: "bad", tone: "red", word: "Failed" },
  aborted: { shape: "bar", tone: "amber", word: "Cancelled" },
};
const jobState = (status: string): StateOf => JOB[status] ?? { shape: "info", tone: "grey", word: status };

export function EventsPane(): ReactElement {
  const { events } = useFeed();
  return <Lines rows={events} dismiss={false} empty="No events yet." />;
}
export function AlertsPane(): ReactElement {
  const { alerts } = useFeed();
  return <Lines rows={alerts} dismiss empty="No alerts." />;
}

function Lines({ rows, dismiss, empty }: { rows: readonly { id: string }[]; dismiss: boolean; empty: string }): ReactElement {
  if (rows.length === 0) return <p className="nothing">{empty}</p>;
  const drop = (id: string): void => {
    remove(`/events/${id}`).catch((error: unknown) => notify("danger", "The alert was not dismissed.", sentencesOf(error).join(" ")));
  };
  return (
    <ul className="ov-lines">
      {rows.map((row) => (
        <li key={row.id}>
          <StateIcon state={severity(row)} />
          <span className="when" title={exactWithZone((row as Record<string, unknown>)["time"])}>
            {exact((row as Record<string, unknown>)["time"])}
          </span>
          <span className="text">{text(row, "description")}</span>
          {dismiss && (
            <button type="button" className="ov-link" onClick={() => drop(row.id)}>
              Dismiss
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

export function TasksPane(): ReactElement {
  const { jobs } = useFeed();
  const { bulks } = useActing();
  useNames();
  if (jobs.length === 0 && bulks.length === 0) return <p className="nothing">No tasks in the last hours.</p>;
  return (
    <table className="ov-tasks">
      <thead>
        <tr>
          <th aria-label="State" />
          <th>Task</th>
          <th>Progress</th>
          <th>Left</th>
          <th>Started by</th>
          <th>Started</th>
          <th aria-label="Actions" />
        </tr>
      </thead>
      <tbody>
        {bulks.map((bulk) => (
          <BulkLines key={`b${bulk.key}`} bulk={bulk} />
        ))}
        {jobs.map((job) => (
          <JobLines key={job.id} job={job} />
        ))}
      </tbody>
    </table>
  );
}

function Fold({ open, flip, what }: { open: boolean; flip: () => void; what: string }): ReactElement {
  return (
    <button type="button" className="fold" aria-expanded={open} aria-label={`Steps of ${what}`} onClick={flip}>
      <Icon name={open ? "down" : "right"} size={12} />
    </button>
  );
}

function JobLines({ job }: { job: Job }): ReactElement {
  const [open, setOpen] = useState(false);
  const status = text(job.row, "status");
  const what = text(job.row, "description");
  const begun = moment(job.row["start_time"]);
  const running = status === "started";
  const { progress } = job;
  const left =
    running && begun && progress !== undefined && progress > 2 && progress < 100 ? (((Date.now() - begun.getTime()) / 1000) * (100 - progress)) / progress : undefined;
  const cancel = (): void => {
    post(`/jobs/${job.id}/end`, { force: "true" }).catch((error: unknown) => notify("danger", `${what} was not cancelled.`, sentencesOf(error).join(" ")));
  };
  return (
    <>
      <tr>
        <td>{job.steps.length > 0 ? <Fold open={open} flip={() => setOpen(!open)} what={what} /> : null}</td>
        <td>
          <span className="with-sign">
            <StateIcon state={jobState(status)} />
            <b>{what}</b>
          </span>
        </td>
        <td>
          {running ? (
            <span className="with-sign">
              <span className="ov-meter accent" role="progressbar" aria-label={what} aria-valuenow={progress ?? 0}>
                <span style={{ width: `${progress ?? 0}%` }} />
              </span>
              {progress === undefined ? "" : percent(progress)}
            </span>
          ) : (
            jobState(status).word
          )}
        </td>
        <td>{left === undefined ? "" : `${span(left)} left`}</td>
        <td>{names.of("users", text(job.row, "owner.id"))}</td>
        <td title={exactWithZone(job.row["start_time"])}>{ago(job.row["start_time"])}</td>
        <td>
          {running && job.cancellable && (
            <button type="button" className="ov-link" onClick={cancel}>
              Cancel
            </button>
          )}
        </td>
      </tr>
      {open &&
        job.steps.map((step) => (
          <tr key={step.number} className="step">
            <td />
            <td>
              <span className="with-sign">
                <StateIcon state={jobState(step.status)} />
                {step.description}
              </span>
            </td>
            <td>{step.progress ? percent(step.progress) : ""}</td>
            <td colSpan={4} />
          </tr>
        ))}
    </>
  );
}

function BulkLines({ bulk }: { bulk: Bulk }): ReactElement {
  const [open, setOpen] = useState(false);
  const done = bulk.outcomes.filter(({ state }) => state === "done");
  const refused = bulk.outcomes.filter(({ state }) => state === "refused");
  const waiting = bulk.outcomes.length - done.length - refused.length;
  const what = `${bulk.label} ${counted(bulk.outcomes.length, bulk.resource.one, bulk.resource.many)}`;
  const again = (): void => {
    forget(bulk.key);
    void run(bulk.action, bulk.resource, refused.map(({ row }) => row).filter((row) => row !== undefined));
  };
  return (
    <>
      <tr>
        <td>
          <Fold open={open} flip={() => setOpen(!open)} what={what} />
        </td>
        <td>
          <span className="with-sign">
            <StateIcon state={waiting > 0 ? jobState("started") : refused.length > 0 ? jobState("failed") : jobState("finished")} />
            <b>{what}</b>: {done.length} {bulk.action.done ?? "done"}
            {refused.length > 0 && `, ${refused.length} refused`}
          </span>
        </td>
        <td>{waiting > 0 ? `${waiting} to go` : ""}</td>
        <td />
        <td />
        <td>{ago(bulk.started)}</td>
        <td>
          {refused.length > 0 && waiting === 0 && (
            <button type="button" className="ov-link" onClick={again}>
              Try the {refused.length} again
            </button>
          )}
        </td>
      </tr>
      {open &&
        bulk.outcomes.map(({ row, state, why }) => (
          <tr key={row?.id} className="step">
            <td />
            <td>
              <span className="with-sign">
                <StateIcon state={jobState(state === "done" ? "finished" : state === "refused" ? "failed" : "started")} />
                {row?.name}
              </span>
            </td>
            <td colSpan={5}>{why.join(" ")}</td>
          </tr>
        ))}
    </>
  );
}
