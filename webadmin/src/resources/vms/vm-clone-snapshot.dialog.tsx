/** Clone VM from Snapshot. */
import type { ReactElement } from "react";
import type { Row } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRow } from "../../data/queries";
import CloneVm from "./vm-clone.dialog";

export default function CloneSnapshot({ rows, params, onClose }: DialogProps): ReactElement | null {
  const vm = useRow(params["parent"] ? `/vms/${params["parent"]}` : undefined).data as Row | undefined;
  if (!vm) return null;
  return <CloneVm rows={[vm]} params={{ snapshot: rows[0]?.id ?? params["snapshot"] ?? "" }} onClose={onClose} />;
}
