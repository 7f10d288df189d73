/**
 * Dialogs by name: a file `NAME.dialog.tsx`, here or in a resource's folder, is the dialog NAME; it is loaded when opened.
 *
 * Does: open, one over another only for questions. Does not: know any dialog.
 */
import { type ComponentType, type ReactElement, Suspense, lazy, useSyncExternalStore } from "react";
import type { Row } from "../api/client";
import type { Resource } from "../resources/declare";
import { Boundary } from "../ui/Boundary";
import { notify } from "../shell/notices";

export interface DialogProps {
  /** What it is about; empty for New. */
  rows: Row[];
  resource?: Resource | undefined;
  /** What else the opener says, e.g. `{ vm: "ID" }`. */
  params: Record<string, string>;
  onClose: () => void;
}
type Loader = () => Promise<{ default: ComponentType<DialogProps> }>;

const files = {
  ...import.meta.glob<{ default: ComponentType<DialogProps> }>("./**/*.dialog.tsx"),
  ...import.meta.glob<{ default: ComponentType<DialogProps> }>(["../resources/**/*.dialog.tsx", "../portal/*.dialog.tsx"]),
};
const loaders = new Map<string, Loader>(
  Object.entries(files).map(([path, load]) => [path.replace(/^.*\//, "").replace(".dialog.tsx", ""), load]),
);
const components = new Map<string, ComponentType<DialogProps>>();

interface Open {
  key: number;
  name: string;
  props: Omit<DialogProps, "onClose">;
}
let open: readonly Open[] = [];
let keys = 0;
const watchers = new Set<() => void>();
function become(next: readonly Open[]): void {
  open = next;
  for (const watcher of watchers) watcher();
}

export const hasDialog = (name: string): boolean => loaders.has(name);

/** Open a dialog about one thing, several, or none. */
export function openDialog(name: string, about: Row | Row[] | undefined, resource?: Resource, params: Record<string, string> = {}): void {
  if (!hasDialog(name)) {
    notify("warning", `There is no dialog ${name} here.`);
    return;
  }
  const rows = about === undefined ? [] : Array.isArray(about) ? about : [about];
  become([...open, { key: (keys += 1), name, props: { rows, resource, params } }]);
}
export const closeDialog = (key: number): void => become(open.filter((dialog) => dialog.key !== key));

function component(name: string): ComponentType<DialogProps> {
  let found = components.get(name);
  if (!found) {
    found = lazy(loaders.get(name) as Loader);
    components.set(name, found);
  }
  return found;
}

export function Dialogs(): ReactElement {
  const all = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => open,
  );
  return (
    <>
      {all.map(({ key, name, props }) => {
        const Found = component(name);
        return (
          <Boundary key={key} what={`The dialog ${name}`} onError={() => closeDialog(key)}>
            <Suspense fallback={null}>
              <Found {...props} onClose={() => closeDialog(key)} />
            </Suspense>
          </Boundary>
        );
      })}
    </>
  );
}
