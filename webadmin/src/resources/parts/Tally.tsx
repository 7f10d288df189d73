/** How many a search finds, without reading them. */
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { request } from "../../api/client";
import { DASH, count } from "../../ui/format";

async function tally(search: string, signal: AbortSignal): Promise<number> {
  const [path = "", query = ""] = search.split("?search=");
  const answer = await request<unknown>("GET", `${path}?search=${encodeURIComponent(query)}&max=0`, undefined, { headers: { Prefer: "count=exact" }, signal });
  return Number(answer.headers.get("Total-Count") ?? 0);
}

export function Tally({ search }: { search: string }): ReactElement {
  const { data } = useQuery({ queryKey: ["tally", search], staleTime: 60_000, queryFn: ({ signal }) => tally(search, signal) });
  return <>{data === undefined ? DASH : count(data)}</>;
}
