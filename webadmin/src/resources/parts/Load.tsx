/** How loaded a VM or a host is: now as bars, the last day as a line. */
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { type Row, get } from "../../api/client";
import { figures, useFigures } from "../../data/figures";
import { percent } from "../../ui/format";

const SAMPLES = 96;
const WIDTH = 300;
const HEIGHT = 44;
type Series = Partial<Record<"cpu" | "memory" | "network", (number | null)[]>>;

function line(values: (number | null)[]): { line: string; area: string } {
  let path = "";
  let area = "";
  let run: string[] = [];
  const end = (): void => {
    if (run.length === 0) return;
    path += `M${run.join("L")}`;
    const first = run[0]?.split(" ")[0];
    const last = run.at(-1)?.split(" ")[0];
    area += `M${first} ${HEIGHT}L${run.join("L")}L${last} ${HEIGHT}Z`;
    run = [];
  };
  values.forEach((value, index) => {
    if (value === null) end();
    else run.push(`${((index / (SAMPLES - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - 1 - (Math.min(100, value) / 100) * (HEIGHT - 2)).toFixed(1)}`);
  });
  end();
  return { line: path, area };
}

const tone = (value: number): string => (value >= 90 ? "red" : value >= 75 ? "amber" : "");

export function Load({ row, type }: { row: Row; type: "vms" | "hosts" }): ReactElement {
  useFigures();
  const { data } = useQuery({
    queryKey: ["day", row.id],
    staleTime: 120_000,
    queryFn: ({ signal }) => get<{ objects: Record<string, Series> }>(`/ovis/history?type=${type}&ids=${row.id}&span=86400&samples=${SAMPLES}`, { signal }),
  });
  const day = data?.objects[row.id]?.cpu ?? [];
  const drawn = line(day);
  return (
    <section className="ov-load" aria-label="Load">
      {(["cpu", "memory", "network"] as const).map((measure) => {
        const value = figures.now(row.id, measure);
        const label = { cpu: "CPU", memory: "Memory", network: "Network" }[measure];
        return (
          <div key={measure}>
            <span className="ov-muted">{label}</span>
            <span className={`ov-meter wide ${value === undefined ? "" : tone(value)}`} aria-hidden>
              <span style={{ width: `${Math.min(100, value ?? 0)}%` }} />
            </span>
            <span className="right">{percent(value)}</span>
          </div>
        );
      })}
      <div>
        <span className="ov-muted">24 h CPU</span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label="CPU of the last 24 hours">
          <path d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} stroke="var(--ov-line)" />
          <path d={drawn.area} fill="var(--ov-accent)" fillOpacity=".12" />
          <path d={drawn.line} fill="none" stroke="var(--ov-accent)" strokeWidth="1.500" vectorEffect="non-scaling-stroke" />
        </svg>
      </div>
    </section>
  );
}
