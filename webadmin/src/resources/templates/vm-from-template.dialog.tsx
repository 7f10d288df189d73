/** New VM of a template. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import VmEdit from "../vms/vm-edit.dialog";

export default function VmFromTemplate({ rows, params, onClose }: DialogProps): ReactElement {
  return <VmEdit rows={[]} params={{ ...params, template: rows[0]?.id ?? "" }} onClose={onClose} />;
}
