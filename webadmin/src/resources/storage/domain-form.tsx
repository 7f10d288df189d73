/** New Domain, Import Domain: function, type, host, and where it lies. */
import type { ReactElement } from "react";
import { type Row, get, post, text } from "../../api/client";
import { useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { type Values, named } from "../../forms/fields";

const type = (...types: string[]) => (values: Values): boolean => types.includes(values["storage.type"] ?? "");

export function DomainForm({ imports, params, onClose }: { imports: boolean; params: Record<string, string>; onClose: () => void }): ReactElement | null {
  const centers = useRows("/datacenters").data;
  const clusters = useRows("/clusters").data;
  const hosts = useRows("/hosts?search=status%3Dup").data;
  if (!centers || !clusters || !hosts) return null;
  const centerOf = (host: Row): string => text(clusters.find((one) => one.id === text(host, "cluster.id")), "data_center.id");
  const fits = (values: Values): Row[] => hosts.filter((host) => !values["~center"] || centerOf(host) === values["~center"]);
  const center = params["parent"] ?? centers[0]?.id ?? "";
  return (
    <FormDialog
      title={imports ? "Import Pre-Configured Domain" : "New Domain"}
      path="/storagedomains"
      defaults={{ "~center": center, type: "data", "storage.type": "posixfs", "storage.vfs_type": "nfs", "host.id": fits({ "~center": center })[0]?.id ?? "", "~activate": "true" }}
      tabs={[
        {
          id: "main",
          label: "Domain",
          sections: [
            {
              fields: [
                { path: "~center", label: "Data Center", kind: "choice", none: "(none)", choices: named(centers) },
                { path: "type", label: "Domain Function", kind: "choice", choices: [{ value: "data", label: "Data" }, { value: "iso", label: "ISO" }, { value: "export", label: "Export" }] },
                {
                  path: "storage.type",
                  label: "Storage Type",
                  kind: "choice",
                  choices: [{ value: "posixfs", label: "POSIX compliant FS" }, { value: "localfs", label: "Local on Host" }, { value: "nfs", label: "NFS" }, { value: "glusterfs", label: "GlusterFS" }, { value: "iscsi", label: "iSCSI" }, { value: "fcp", label: "Fibre Channel" }],
                  says: /storage type|not supported/i,
                },
                { path: "host.id", label: "Host to Use", kind: "choice", required: true, choices: (values) => named(fits(values)), says: /\bhost\b/i },
                { path: "name", label: "Name", kind: "text", required: !imports, limit: 50, says: /\bname\b/i },
                { path: "description", label: "Description", kind: "text" },
                { path: "comment", label: "Comment", kind: "text" },
              ],
            },
            {
              title: "Where it lies",
              fields: [
                { path: "storage.address", label: "Server", kind: "text", when: type("nfs", "glusterfs", "iscsi"), required: true },
                { path: "storage.path", label: "Path", kind: "mono", when: type("nfs", "glusterfs", "posixfs", "localfs"), required: true, says: /path|director|folder/i },
                { path: "storage.vfs_type", label: "VFS Type", kind: "text", when: type("posixfs"), required: true },
                { path: "storage.mount_options", label: "Mount Options", kind: "text", when: type("posixfs", "nfs", "glusterfs"), advanced: true },
                { path: "storage.nfs_version", label: "NFS Version", kind: "choice", none: "Auto Negotiate", when: type("nfs"), advanced: true, choices: ["v3", "v4", "v4_0", "v4_1", "v4_2"].map((value) => ({ value, label: value.replace("_", ".") })) },
                { path: "storage.target", label: "Target", kind: "mono", when: type("iscsi") },
              ],
            },
            {
              title: "Advanced Parameters",
              fields: [
                { path: "warning_low_space_indicator", label: "Warning Low Space Indicator", kind: "number", unit: "%", least: 0, most: 100, advanced: true },
                { path: "critical_space_action_blocker", label: "Critical Space Action Blocker", kind: "number", unit: "GiB", least: 0, advanced: true },
                { path: "wipe_after_delete", label: "Wipe After Delete", kind: "check", advanced: true },
                { path: "backup", label: "Backup", kind: "check", advanced: true },
                { path: "~activate", label: "Attach and activate it in the data center", kind: "check" },
              ],
            },
          ],
        },
      ]}
      finish={(document) => {
        if (imports) document["import"] = "true";
      }}
      after={async (made, values) => {
        if (values["~activate"] !== "true" || !values["~center"]) return;
        for (let tries = 0; tries < 60; tries += 1) {
          // oxlint-disable-next-line no-await-in-loop
          const now = await get<Row>(`/storagedomains/${made.id}`);
          if (text(now, "status") === "unattached") break;
          // oxlint-disable-next-line no-await-in-loop
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
        await post(`/datacenters/${values["~center"]}/storagedomains`, { id: made.id });
      }}
      what={(values) => (values["~activate"] === "true" && values["~center"] ? `It is attached to ${centers.find((one) => one.id === values["~center"])?.name ?? "the data center"} at once.` : null)}
      onClose={onClose}
    />
  );
}
