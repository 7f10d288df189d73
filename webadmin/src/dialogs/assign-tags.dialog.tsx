/** Assign Tags: what all chosen things have is ticked, what some have is half ticked. */
import { type ReactElement, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { list, post, remove } from "../api/client";
import { sentencesOf } from "../api/fault";
import { outdated, useRows } from "../data/queries";
import { Dialog, FaultBox } from "../ui/Dialog";
import "../forms/forms.css";
import type { DialogProps } from "./registry";

export default function AssignTags({ rows, resource, onClose }: DialogProps): ReactElement {
  const collection = resource?.collection ?? "vms";
  const tags = (useRows("/tags").data ?? []).filter((one) => one.name !== "root");
  const had = useQuery({
    queryKey: ["tags of", collection, rows.map((row) => row.id).join()],
    queryFn: async () => new Map(await Promise.all(rows.map(async (row) => [row.id, new Set((await list(`/${collection}/${row.id}/tags`)).map((one) => one.id))] as const))),
  }).data;
  const [wanted, setWanted] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [faults, setFaults] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const many = (tag: string): number => rows.filter((row) => had?.get(row.id)?.has(tag)).length;
  const save = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    const changes = [...wanted].flatMap(([tag, on]) => rows.filter((row) => (had?.get(row.id)?.has(tag) ?? false) !== on).map((row) => (on ? post(`/${collection}/${row.id}/tags`, { id: tag }) : remove(`/${collection}/${row.id}/tags/${tag}`))));
    const results = await Promise.allSettled(changes);
    setBusy(false);
    outdated(`/${collection}`);
    outdated("/tags");
    const refused = results.flatMap((one) => (one.status === "rejected" ? sentencesOf(one.reason) : []));
    if (refused.length === 0) onClose();
    else setFaults(refused);
  };
  return (
    <Dialog
      title="Assign Tags"
      width={480}
      changed={wanted.size > 0}
      onClose={onClose}
      onSubmit={() => void save()}
      what={rows.length === 1 ? rows[0]?.name : `${rows.length} chosen`}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-busy={busy}>
            OK
          </button>
        </>
      }
    >
      <div className="ov-form">
        <FaultBox sentences={faults} />
        {tags.length === 0 && <p className="ov-muted">There are no tags yet. Make them at the foot of the tree.</p>}
        {had &&
          tags.map((tag) => {
            const count = many(tag.id);
            const on = wanted.get(tag.id);
            return (
              <label key={tag.id} className="ov-field-check">
                <input
                  type="checkbox"
                  className="ov-check"
                  ref={(box) => {
                    if (box) box.indeterminate = on === undefined && count > 0 && count < rows.length;
                  }}
                  checked={on ?? count === rows.length}
                  onChange={(event) => setWanted(new Map([...wanted, [tag.id, event.target.checked]]))}
                />
                {tag.name}
              </label>
            );
          })}
      </div>
    </Dialog>
  );
}
