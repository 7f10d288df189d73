/**
 * What the foot of the page tells: last events, alerts, jobs with their steps.
 *
 * Does: read the last ones once, then follow the stream. Does not: keep more than it shows.
 */
import { useSyncExternalStore } from "react";
import { type Row, list, text } from "../api/client";
import { session } from "../api/session";
import { type JobNews, listen } from "../live/stream";
import { notify } from "../shell/notices";

const MOST = 200;
export interface Job {
  id: string;
  row: Row;
  progress: number | undefined;
  cancellable: boolean;
  correlation: string;
  steps: NonNullable<JobNews["steps"]>;
}
export interface Feed {
  events: readonly Row[];
  alerts: readonly Row[];
  jobs: readonly Job[];
  last: Row | undefined;
  running: number;
}

let feed: Feed = { events: [], alerts: [], jobs: [], last: undefined, running: 0 };
const told = new Set<string>();
const watchers = new Set<() => void>();

function become(next: Partial<Feed>): void {
  feed = { ...feed, ...next };
  feed.last = feed.events[0];
  feed.running = feed.jobs.filter((job) => text(job.row, "status") === "started").length;
  for (const watcher of watchers) watcher();
}
const isAlert = (row: Row): boolean => text(row, "severity") === "alert";
const byNumber = (a: Row, b: Row): number => Number(b.id) - Number(a.id);

function merge(old: readonly Row[], more: Row[]): Row[] {
  const known = new Map([...old, ...more].map((row) => [row.id, row]));
  return [...known.values()].sort(byNumber).slice(0, MOST);
}
const slim = (row: Row): Row => ({ id: row.id, severity: row["severity"], time: row["time"], description: row["description"], code: row["code"], correlation_id: row["correlation_id"] });

async function read(): Promise<void> {
  try {
    const [events, alerts, jobs] = await Promise.all([
      list("/events?max=60"),
      list(`/events?search=${encodeURIComponent("severity = alert")}&max=60`),
      list("/jobs?max=60"),
    ]);
    become({
      events: merge([], events.map(slim)),
      alerts: merge([], alerts.map(slim)),
      jobs: jobs
        .map((row): Job => ({ id: row.id, row, progress: undefined, cancellable: false, correlation: text(row, "correlation_id"), steps: [] }))
        .sort((a, b) => Number(b.row["start_time"]) - Number(a.row["start_time"]))
        .slice(0, MOST),
    });
  } catch {
    // The stream goes on; the next reload reads again.
  }
}

listen("event", (news) => {
  const rows = news.map((change) => slim({ ...(change.values as Row), id: change.id }));
  become({ events: merge(feed.events, rows), alerts: merge(feed.alerts, rows.filter(isAlert)) });
  for (const row of rows) if (isAlert(row)) notify("danger", text(row, "description"));
});
listen("removed", (news) => {
  const gone = new Set(news.filter((change) => change.type === "events").map((change) => change.id));
  if (gone.size > 0) become({ events: feed.events.filter((row) => !gone.has(row.id)), alerts: feed.alerts.filter((row) => !gone.has(row.id)) });
});
listen("job", (news) => {
  const jobs = new Map(feed.jobs.map((job) => [job.id, job]));
  const me = session.who()?.user_id;
  for (const change of news) {
    const row = { ...(jobs.get(change.id)?.row ?? {}), ...change.values, id: change.id } as Row;
    jobs.set(change.id, {
      id: change.id,
      row,
      progress: change.progress ?? undefined,
      cancellable: change.cancellable ?? false,
      correlation: change.correlation_id ?? text(row, "correlation_id"),
      steps: change.steps ?? jobs.get(change.id)?.steps ?? [],
    });
    if (text(row, "status") === "failed" && !told.has(change.id) && text(row, "owner.id") === me) {
      told.add(change.id);
      notify("danger", `${text(row, "description")} failed.`);
    }
  }
  become({ jobs: [...jobs.values()].sort((a, b) => Number(b.row["start_time"]) - Number(a.row["start_time"])).slice(0, MOST) });
});
listen("reload", () => void read());

export const readFeed = read;
export const useFeed = (): Feed =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => feed,
  );
