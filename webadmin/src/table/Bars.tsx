/** A percentage now and over the last hour: number and thin bars in one drawing. Absolute scale, so rows compare. */
import type { ReactElement } from "react";
import { DASH, percent } from "../ui/format";

const WIDTH = 44;
const HEIGHT = 14;
const COUNT = 14;

const level = (value: number): string => (value >= 90 ? "red" : value >= 75 ? "amber" : "");

export function Bars({ now, past }: { now: number | undefined; past: (number | null)[] | undefined }): ReactElement {
  if (now === undefined) return <span className="ov-muted">{DASH}</span>;
  const samples = [...(past ?? []).slice(-(COUNT - 1)), now];
  const offset = COUNT - samples.length;
  let path = "";
  samples.slice(0, -1).forEach((value, index) => {
    if (value === null) return;
    const height = Math.max(1, (Math.min(100, value) / 100) * HEIGHT);
    path += `M${(offset + index) * 3 + 1} ${HEIGHT}v${-height}h2v${height}z`;
  });
  const height = Math.max(1, (Math.min(100, now) / 100) * HEIGHT);
  const tone = level(now);
  return (
    <>
      <span className={`ov-percent ${tone}`}>{percent(now)}</span>
      <svg className="ov-bars" width={WIDTH} height={HEIGHT} aria-hidden>
        <path d={path} fill="var(--ov-bar-thin)" />
        <path
          d={`M${(COUNT - 1) * 3 + 1} ${HEIGHT}v${-height}h2v${height}z`}
          fill={tone ? `var(--ov-${tone})` : "var(--ov-accent)"}
        />
      </svg>
    </>
  );
}

/** How full something is, where there is no history. */
export function Level({ value, text }: { value: number | undefined; text: string }): ReactElement {
  if (value === undefined) return <span className="ov-muted">{text || DASH}</span>;
  return (
    <>
      <span className="ov-level-text">{text}</span>
      <span className={`ov-meter small ${level(value)}`} aria-hidden>
        <span style={{ width: `${Math.min(100, Math.max(0, value))}%` }} />
      </span>
    </>
  );
}
