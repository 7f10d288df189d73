/** New Domain. */
import type { ReactElement } from "react";
import type { DialogProps } from "../../dialogs/registry";
import { DomainForm } from "./domain-form";

export default function NewDomain({ params, onClose }: DialogProps): ReactElement {
  return <DomainForm imports={false} params={params} onClose={onClose} />;
}
