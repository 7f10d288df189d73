import { useSyncExternalStore } from "react";

const narrow = matchMedia("(max-width: 767px)");
const middle = matchMedia("(max-width: 1199px)");
function useQuery(query: MediaQueryList): boolean {
  return useSyncExternalStore(
    (watcher) => {
      query.addEventListener("change", watcher);
      return () => query.removeEventListener("change", watcher);
    },
    () => query.matches,
  );
}
/** Below 768: a phone. */
export const useNarrow = (): boolean => useQuery(narrow);
/** Below 1200: the tree is folded at first. */
export const useMiddle = (): boolean => useQuery(middle);
