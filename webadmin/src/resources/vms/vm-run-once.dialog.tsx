/** Run Virtual Machine(s) once: values that hold until it stops. */
import type { ReactElement } from "react";
import { type Row, post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRow, useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { type FormTab, type Values, named } from "../../forms/fields";
import { bootTab, finishVm, initialRunTab, unsentOf } from "./edit-fields";

export default function RunOnce({ rows, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const vm = useRow(given ? `/vms/${given.id}` : undefined).data;
  const hosts = useRows("/hosts?search=status%3Dup").data ?? [];
  const images = useRows("/disks?search=disk_content_type%3Diso").data ?? [];
  if (!vm) return null;
  const before: Values = { ...unsentOf(vm), "~init": "false" };
  const tabs: FormTab[] = [
    {
      ...bootTab,
      sections: [
        {
          title: "Boot Options",
          fields: [
            { path: "~cd", label: "Attach CD", kind: "choice", none: "None", choices: named(images) },
            ...(bootTab.sections[0]?.fields ?? []),
            { path: "~pause", label: "Start in Pause Mode", kind: "check" },
            { path: "~volatile", label: "Rollback this configuration during reboots", kind: "check" },
            { path: "stateless", label: "Run Stateless", kind: "check" },
          ],
        },
        { title: "Linux Boot Options", fields: (bootTab.sections[1]?.fields ?? []).map((field) => ({ ...field, advanced: false })) },
      ],
    },
    initialRunTab(),
    {
      id: "host",
      label: "Host",
      sections: [{ fields: [{ path: "~host", label: "Specific", kind: "choice", none: "Any Host in Cluster", choices: named(hosts.filter((host) => text(host, "cluster.id") === text(vm, "cluster.id"))) }] }],
    },
    {
      id: "system",
      label: "System",
      sections: [
        {
          fields: [
            { path: "custom_emulated_machine", label: "Custom Emulated Machine", kind: "text" },
            { path: "custom_cpu_model", label: "Custom CPU Type", kind: "text" },
          ],
        },
      ],
    },
    { id: "console", label: "Console Protocol", sections: [{ fields: [{ path: "display.type", label: "Graphics protocol", kind: "choice", choices: [{ value: "vnc", label: "VNC" }, { value: "spice", label: "SPICE" }] }] }] },
  ];
  const send = async (document: Record<string, unknown>, values: Values): Promise<Row> => {
    finishVm(document, values, before);
    if (values["~cd"]) document["cdroms"] = { cdrom: [{ file: { id: values["~cd"] } }] };
    await post(`/vms/${vm.id}/start`, {
      ...(Object.keys(document).length > 0 ? { vm: document } : {}),
      ...(values["~pause"] === "true" ? { pause: "true" } : {}),
      ...(values["~volatile"] === "true" ? { volatile: "true" } : {}),
      ...(document["initialization"] ? { use_cloud_init: "true" } : {}),
    });
    return vm;
  };
  return <FormDialog title="Run Virtual Machine(s)" row={vm} path={`/vms/${vm.id}`} tabs={tabs} defaults={before} send={send} onClose={onClose} />;
}
