/**
 * Migrate Virtual Machine(s): every host of the cluster with its verdict.
 *
 * Does: ask the engine why a host can or cannot take the VM, show rank, points and the table of weights, migrate one or several.
 */
import { Fragment, type ReactElement, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { type Row, at, items, number, post, text, truth } from "../../api/client";
import { Fault, sentencesOf } from "../../api/fault";
import type { DialogProps } from "../../dialogs/registry";
import { figures } from "../../data/figures";
import { names } from "../../data/names";
import { outdated } from "../../data/queries";
import { Dialog, FaultBox } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { bytes, percent } from "../../ui/format";
import "../../forms/forms.css";
import "./migrate.css";

const BEST = "";

export default function Migrate({ rows, onClose }: DialogProps): ReactElement | null {
  const first = rows[0];
  const [host, setHost] = useState(BEST);
  const [open, setOpen] = useState("");
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState<{ sentences: string[]; id?: string | undefined }>({ sentences: [] });
  const asked = useQuery({
    queryKey: ["placement", first?.id],
    queryFn: () => post<Row>(`/vms/${first?.id}/explainplacement`, {}),
    enabled: first !== undefined && rows.length === 1,
    staleTime: 0,
  });
  if (!first) return null;
  const verdicts = asked.data ? items(asked.data, "placement_hosts") : [];
  const possible = verdicts.filter((one) => truth(one, "fits")).toSorted((a, b) => (number(a, "total") ?? 0) - (number(b, "total") ?? 0) || (number(a, "rank") ?? 0) - (number(b, "rank") ?? 0));
  const not = verdicts.filter((one) => !truth(one, "fits"));
  const best = number(possible[0], "total") ?? 0;
  const chosen = possible.find((one) => text(one, "host_id") === host);

  const migrate = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    const refused: string[] = [];
    let id: string | undefined;
    for (const vm of rows) {
      try {
        // oxlint-disable-next-line no-await-in-loop
        await post(`/vms/${vm.id}/migrate`, host ? { host: { id: host } } : {});
        outdated(`/vms/${vm.id}`);
      } catch (error) {
        refused.push(...sentencesOf(error).map((one) => (rows.length > 1 ? `${vm.name}: ${one}` : one)));
        if (error instanceof Fault) id = error.correlationId;
      }
    }
    setBusy(false);
    if (refused.length === 0) onClose();
    else setFaults({ sentences: refused, id });
  };

  return (
    <Dialog
      title="Migrate Virtual Machine(s)"
      width={1000}
      onClose={onClose}
      onSubmit={() => void migrate()}
      what={rows.length === 1 ? "The VM keeps running." : `${rows.length} VMs; each keeps running.`}
      buttons={
        <>
          <button type="button" className="ov-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="ov-button primary" aria-busy={busy}>
            {chosen ? `Migrate to ${text(chosen, "host_name")}` : "Migrate"}
          </button>
        </>
      }
    >
      <FaultBox sentences={faults.sentences} id={faults.id} />
      <p className="ov-migrate-head">
        {rows.length === 1 ? (
          <>
            <b>{first.name}</b>{" "}
            <span className="ov-muted">
              on {names.of("hosts", text(first, "host.id"))} · {bytes(number(first, "memory"))} · policy {text(asked.data, "policy")}
            </span>
          </>
        ) : (
          <>
            <b>{rows.length} VMs</b> <span className="ov-muted">{rows.map((one) => one.name).join(", ")}</span>
          </>
        )}
      </p>
      <div className="ov-migrate-way" role="radiogroup" aria-label="Destination">
        <label className="ov-field-check">
          <input type="radio" name="way" checked={host === BEST} onChange={() => setHost(BEST)} /> Select the best host when it starts
        </label>
        <label className="ov-field-check">
          <input type="radio" name="way" checked={host !== BEST} disabled={possible.length === 0} onChange={() => setHost(text(possible[0], "host_id"))} /> Choose a host
        </label>
        {rows.length === 1 && (
          <button type="button" className="ov-link" onClick={() => void asked.refetch()}>
            <Icon name="refresh" /> Ask again
          </button>
        )}
      </div>
      {rows.length > 1 && <p className="ov-muted">Each VM goes to the host that suits it best.</p>}
      {asked.isError && <FaultBox sentences={sentencesOf(asked.error)} />}
      {verdicts.length > 0 && (
        <table className="ov-verdicts" aria-label="Hosts">
          <thead>
            <tr>
              <th />
              <th>Rank</th>
              <th>Host</th>
              <th>CPU now</th>
              <th>Memory now</th>
              <th className="end">Points</th>
              <th>Lower is better</th>
            </tr>
          </thead>
          <tbody>
            {possible.map((one, index) => {
              const id = text(one, "host_id");
              const total = number(one, "total");
              const weights = items(one, "weights");
              return (
                <Fragment key={id}>
                  <tr className={host === id ? "chosen" : ""}>
                    <td>
                      <input type="radio" name="host" aria-label={text(one, "host_name")} checked={host === id} onChange={() => setHost(id)} />
                    </td>
                    <td>{index + 1}</td>
                    <td>
                      <b>{text(one, "host_name")}</b>
                    </td>
                    <td>{percent(figures.now(id, "cpu"))}</td>
                    <td>{percent(figures.now(id, "memory"))}</td>
                    <td className="end">
                      <b>{total ?? ""}</b>
                    </td>
                    <td>
                      <span className="ov-muted">{possible.length === 1 ? "the only one" : index === 0 ? `best of ${possible.length}` : total === undefined ? "" : `${total - best} more`}</span>{" "}
                      {weights.length > 0 && (
                        <button type="button" className="ov-link" aria-expanded={open === id} onClick={() => setOpen(open === id ? "" : id)}>
                          Weights
                        </button>
                      )}
                    </td>
                  </tr>
                  {open === id && (
                    <tr className="inner">
                      <td />
                      <td colSpan={6}>
                        <Weights weights={weights} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
            {not.length > 0 && (
              <tr className="group">
                <td colSpan={7}>
                  <b>Not possible</b> <span className="ov-muted">{not.length === 1 ? "1 host, with the first filter that says no" : `${not.length} hosts, each with the first filter that says no`}</span>
                </td>
              </tr>
            )}
            {not.map((one) => (
              <tr key={text(one, "host_id")}>
                <td>
                  <Icon name="close" />
                </td>
                <td />
                <td>{text(one, "host_name")}</td>
                <td>
                  <span className="ov-pill">
                    {text(one, "filter")}
                    {truth(one, "external") ? " (EXT)" : ""}
                  </span>
                </td>
                <td colSpan={3}>{text(one, "detail") || text(one, "reason")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Dialog>
  );
}

function Weights({ weights }: { weights: Row[] }): ReactElement {
  const sum = (one: Row): number => Number(at(one, "total") ?? 0);
  const most = Math.max(1, ...weights.map(sum));
  return (
    <table className="ov-weights">
      <thead>
        <tr>
          <th>Weight</th>
          <th className="end">Points</th>
          <th className="end">Factor</th>
          <th className="end">Sum</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {weights.map((one) => (
          <tr key={text(one, "unit")}>
            <td>{text(one, "unit")}</td>
            <td className="end">{text(one, "points")}</td>
            <td className="end ov-muted">× {text(one, "factor")}</td>
            <td className="end">
              <b>{text(one, "total")}</b>
            </td>
            <td>
              <progress value={sum(one)} max={most} aria-hidden="true" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
