/** One series over 24 hours: a line, a light area, three lines of a grid; the value under the pointer. */
import { type PointerEvent, type ReactElement, useState } from "react";
import { percent } from "../ui/format";
import type { Sample } from "./data";
import { areaOf, extent, lineOf } from "./path";

const W = 400;
const H = 94;
const DAY = 86_400_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function Chart({ label, history, now }: { label: string; history: Sample[]; now: number }): ReactElement {
  const [at, setAt] = useState<Sample>();
  const begin = now - DAY;
  const points = history.map(({ time, value }) => ({ x: ((time - begin) / DAY) * W, y: value === null ? null : H - (Math.min(100, value) / 100) * H }));
  const { low, high } = extent(history);
  const look = (event: PointerEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const time = begin + ((event.clientX - box.left) / box.width) * DAY;
    let best: Sample | undefined;
    for (const sample of history)
      if (sample.value !== null && (!best || Math.abs(sample.time - time) < Math.abs(best.time - time))) best = sample;
    setAt(best);
  };
  return (
    <div className="db-chart">
      <div className="plot">
        <svg
          viewBox={`0 0 ${W} ${H}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={low === undefined ? `${label}: nothing is known of the last 24 h` : `${label}, last 24 h: between ${percent(low)} and ${percent(high)}`}
          onPointerMove={look}
          onPointerLeave={() => setAt(undefined)}
        >
          {[0.5, H / 2, H - 0.5].map((y) => (
            <line key={y} x1="0" x2={W} y1={y} y2={y} stroke="var(--ov-line)" vectorEffect="non-scaling-stroke" />
          ))}
          <path d={areaOf(points, H)} fill="var(--ov-accent)" opacity=".12" />
          <path d={lineOf(points)} fill="none" stroke="var(--ov-accent)" strokeWidth="1.6" strokeLinejoin="round" strokeLinecap="round" vectorEffect="non-scaling-stroke" />
          {at && <line x1={((at.time - begin) / DAY) * W} x2={((at.time - begin) / DAY) * W} y1="0" y2={H} stroke="var(--ov-line-strong)" vectorEffect="non-scaling-stroke" />}
        </svg>
        {low === undefined && <p className="none">Nothing is known yet.</p>}
        {at && (
          <p className="at" style={{ left: `${Math.max(0, Math.min(82, ((at.time - begin) / DAY) * 100 - 6))}%` }}>
            {clock.format(at.time)} · <b>{percent(at.value)}</b>
          </p>
        )}
      </div>
      <div className="scale" aria-hidden>
        <span>100</span>
        <span>50</span>
        <span>0</span>
      </div>
      <div className="hours" aria-hidden>
        {[0, 0.25, 0.5, 0.75].map((part) => (
          <span key={part}>{clock.format(begin + part * DAY)}</span>
        ))}
        <span>now</span>
      </div>
    </div>
  );
}

/** A small course of values. */
export function Spark({ values }: { values: (number | null)[] }): ReactElement {
  const step = values.length > 1 ? 52 / (values.length - 1) : 52;
  const points = values.map((value, index) => ({ x: index * step, y: value === null ? null : 15 - (Math.min(100, value) / 100) * 14 }));
  return (
    <svg className="db-spark" width="52" height="16" viewBox="0 0 52 16" aria-hidden>
      <path d={areaOf(points, 16)} fill="var(--ov-bar)" opacity=".16" />
      <path d={lineOf(points)} fill="none" stroke="var(--ov-bar)" strokeWidth="1.2" strokeLinecap="round" />
    </svg>
  );
}
