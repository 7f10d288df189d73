import type { ReactElement } from "react";
import { text } from "../api/client";
import { useRow } from "../data/queries";
import { Dialog } from "../ui/Dialog";
import { Facts } from "../ui/Facts";
import { Mark } from "../ui/Icon";
import type { DialogProps } from "./registry";

export default function About({ onClose }: DialogProps): ReactElement {
  const { data } = useRow("");
  return (
    <Dialog title="About" width={480} onClose={onClose}>
      <div className="ov-about">
        <Mark size={48} />
        <p>Ovis, a virtualization manager that speaks oVirt.</p>
        <Facts
          columns={[
            [
              ["Version of the API", text(data, "product_info.version.full_version")],
              ["Instance", text(data, "product_info.instance_id")],
              ["Licence", "Apache-2.0"],
            ],
          ]}
        />
      </div>
    </Dialog>
  );
}
