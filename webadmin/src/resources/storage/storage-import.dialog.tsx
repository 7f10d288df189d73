/** Import Domain. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { DomainForm } from "./domain-form";

export default function ImportDomain({ params, onClose }: DialogProps): ReactElement {
  return <DomainForm imports={true} params={params} onClose={onClose} />;
}
