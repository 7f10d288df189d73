/** What the dashboard reads: one answer, again on changes and every 20 s. Follows: docs/reference/live.md. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import { get } from "../api/client";
import { queries } from "../data/queries";
import { listen } from "../live/stream";

export interface Count {
  total: number;
  states: Record<string, number>;
}
export interface Sample {
  time: number;
  value: number | null;
}
export interface Use {
  used: number | null;
  total: number | null;
  promised: number | null;
  history: Sample[];
}
export interface Alert {
  id: string;
  severity: string;
  time: number;
  description: string;
  code: number;
  entity?: { type: string; id: string; name: string } | null;
}
export interface Top {
  type: string;
  id: string;
  name: string;
  status: string;
  value: number;
  history: (number | null)[];
}
export interface HostTile {
  id: string;
  name: string;
  status: string;
  vms: number;
  cpu: number | null;
  memory: number | null;
  cluster?: { id: string; name: string } | null;
}
export interface Dashboard {
  time: number;
  inventory: Record<string, Count>;
  cpu: Use;
  memory: Use;
  storage: Use;
  alerts: Alert[];
  top: { cpu: Top[]; memory: Top[]; storage?: Top[] };
  hosts: HostTile[];
}

const KEY = ["dashboard"];
const AGAIN_MS = 20_000;
const SOON_MS = 1500;

export function useDashboard(): UseQueryResult<Dashboard> {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: KEY });
      }, SOON_MS);
    };
    const stops = [
      listen("changed", (news) => news.some((change) => change.fields?.includes("status") ?? true) && soon()),
      listen("added", soon),
      listen("removed", soon),
      listen("reload", soon),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, []);
  return useQuery({ queryKey: KEY, queryFn: ({ signal }) => get<Dashboard>("/ovis/dashboard", { signal }), refetchInterval: AGAIN_MS });
}
