/** Small things read whole (sub-tabs, choices in dialogs), kept by react-query and made stale by the stream. */
import { QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { type Row, get, list } from "../api/client";
import { listen } from "../live/stream";

export const queries = new QueryClient({
  defaultOptions: { queries: { staleTime: 15_000, gcTime: 120_000, retry: 1, refetchOnWindowFocus: false } },
});

/** A list at a path, e.g. `/vms/ID/nics`. Its first key is the collection that the stream names. */
export const useRows = (path: string | undefined): UseQueryResult<Row[]> =>
  useQuery({ queryKey: ["rows", path], queryFn: ({ signal }) => list(path ?? "", { signal }), enabled: path !== undefined });

/** One object at a path. */
export const useRow = (path: string | undefined): UseQueryResult<Row> =>
  useQuery({ queryKey: ["row", path], queryFn: ({ signal }) => get<Row>(path ?? "", { signal }), enabled: path !== undefined });

/** What is shown below an address is out of date: `/vms/ID` and everything under it, or all that names a collection. */
export function outdated(part: string): void {
  void queries.invalidateQueries({ predicate: ({ queryKey }) => typeof queryKey[1] === "string" && queryKey[1].includes(part) });
}

let touched = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;
function touch(parts: string[]): void {
  for (const part of parts) touched.add(part);
  timer ??= setTimeout(() => {
    timer = undefined;
    const all = touched;
    touched = new Set();
    void queries.invalidateQueries({
      predicate: ({ queryKey }) => typeof queryKey[1] === "string" && [...all].some((part) => (queryKey[1] as string).includes(part)),
    });
  }, 250);
}
listen("changed", (news) => touch(news.map((change) => change.id)));
listen("added", (news) => touch(news.map((change) => `/${change.type}`)));
listen("removed", (news) => touch(news.flatMap((change) => [`/${change.type}`, change.id])));
listen("event", (news) => news.length > 0 && touch(["/events"]));
listen("reload", () => void queries.invalidateQueries());
