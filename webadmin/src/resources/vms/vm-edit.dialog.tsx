/** New Virtual Machine, Edit Virtual Machine. */
import { type ReactElement, useMemo, useState } from "react";
import { type Row, items, number, post, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { FormDialog } from "../../forms/FormDialog";
import { type Field, type FormTab, type Values, exactBytes, parseBytes, named } from "../../forms/fields";
import { names } from "../../data/names";
import { useRow, useRows } from "../../data/queries";
import { bytes, version } from "../../ui/format";
import { affinityTab, availabilityTab, bootTab, consoleTab, finishVm, hostTab, initialRunTab, randomTab, resourcesTab, systemTab, unsentOf, vcpus } from "./edit-fields";
import { DiskList, NicList, type Property, PropertyList, type WantedDisk, type WantedNic, addNics, attachDisks, offeredProperties } from "./parts";

const BLANK = "00000000-0000-0000-0000-000000000000";

/** What a template or instance type says about a VM's hardware. */
function filled(source: Row | undefined): Values {
  if (!source) return {};
  const found: Values = {};
  for (const path of ["memory", "memory_policy.guaranteed", "memory_policy.max"]) {
    const size = number(source, path);
    if (size) found[path] = exactBytes(size);
  }
  for (const path of ["cpu.topology.sockets", "cpu.topology.cores", "cpu.topology.threads", "os.type", "type", "display.type", "bios.type"]) {
    const value = text(source, path);
    if (value) found[path] = value;
  }
  return found;
}

export default function VmEdit({ rows, params, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const fresh = useRow(given ? `/vms/${given.id}${params["next_run"] === "false" ? "" : "?next_run=true"}` : undefined).data;
  const clusters = useRows("/clusters").data;
  const templates = useRows("/templates").data;
  if ((given && !fresh) || !clusters || !templates) return null;
  return <Form vm={fresh} params={params} onClose={onClose} />;
}

function Form({ vm, params, onClose }: { vm: Row | undefined; params: Record<string, string>; onClose: () => void }): ReactElement {
  const clusters = useRows("/clusters").data;
  const templates = useRows("/templates").data;
  const instanceTypes = useRows("/instancetypes").data;
  const systems = useRows("/operatingsystems").data;
  const hosts = useRows("/hosts").data;
  const profiles = useRows("/cpuprofiles").data;
  const domains = useRows("/storagedomains").data;
  const labels = useRows("/affinitylabels").data;
  const offered = useRow("/options/UserDefinedVMProperties").data;
  const [disks, setDisks] = useState<WantedDisk[]>([]);
  const [nics, setNics] = useState<WantedNic[]>([]);
  const [properties, setProperties] = useState<Property[]>(() => items(vm, "custom_properties").map((one) => ({ name: one.name ?? "", value: text(one, "value") })));
  const [propertiesChanged, setPropertiesChanged] = useState(false);
  const before = useMemo(() => (vm ? unsentOf(vm) : { "~init": "false" }), [vm]);

  const top: Field[] = [
    {
      path: "cluster.id",
      label: "Cluster",
      kind: "choice",
      required: true,
      choices: (clusters ?? []).map((cluster) => ({ value: cluster.id, label: cluster.name ?? "", note: names.of("datacenters", text(cluster, "data_center.id")) })),
      fixed: (_, row) => (row && text(row, "status") !== "down" ? "Only a VM that is Down changes its cluster." : undefined),
      says: /\bcluster\b/i,
    },
    {
      path: "template.id",
      label: "Template",
      kind: "choice",
      required: true,
      choices: (templates ?? []).map((template) => ({ value: template.id, label: template.name ?? "", ...(text(template, "version.version_number") > "1" ? { note: `version ${text(template, "version.version_number")}` } : {}) })),
      fixed: (_, row) => (row ? "A VM keeps its template." : undefined),
      fills: (value) => filled((templates ?? []).find((template) => template.id === value)),
    },
    {
      path: "instance_type.id",
      label: "Instance Type",
      kind: "choice",
      none: "Custom",
      choices: named(instanceTypes),
      fills: (value) => filled((instanceTypes ?? []).find((type) => type.id === value)),
    },
    { path: "type", label: "Optimized for", kind: "choice", choices: [{ value: "desktop", label: "Desktop" }, { value: "server", label: "Server" }, { value: "high_performance", label: "High Performance" }] },
  ];
  const general: FormTab = {
    id: "general",
    label: "General",
    sections: [
      {
        fields: [
          { path: "name", label: "Name", kind: "text", required: true, limit: 255, says: /\bname\b|\bnamed\b/i },
          { path: "description", label: "Description", kind: "text" },
          { path: "comment", label: "Comment", kind: "text" },
          { path: "os.type", label: "Operating System", kind: "choice", choices: (systems ?? []).map((system) => ({ value: system.name ?? "", label: text(system, "description") || (system.name ?? "") })) },
          { path: "~start", label: "Start after creation", kind: "check", when: () => !vm },
          { path: "~clone", label: "Clone the template's disks (independent of it)", kind: "check", when: (values) => !vm && values["template.id"] !== BLANK },
          { path: "start_paused", label: "Start in Pause Mode", kind: "check", advanced: true },
          { path: "delete_protected", label: "Delete Protection", kind: "check" },
          { path: "stateless", label: "Stateless", kind: "check", advanced: true },
        ],
      },
    ],
  };
  const lists = { hosts: hosts ?? [], cpuProfiles: profiles ?? [], storageDomains: domains ?? [] };
  const properTab: FormTab = { id: "properties", label: "Custom Properties", sections: [] };
  const tabs = [general, systemTab(), initialRunTab(), consoleTab, hostTab(lists), availabilityTab(lists), resourcesTab(lists), bootTab, randomTab, properTab, ...(vm ? [] : [affinityTab(labels ?? [])])];
  const cluster = clusters?.find((one) => one.id === params["cluster"]) ?? clusters?.[0];
  const template = templates?.find((one) => one.id === (params["template"] ?? BLANK));
  const defaults: Values = vm
    ? before
    : {
        type: "server",
        "os.type": "other",
        memory: "1 GiB",
        "cpu.topology.sockets": "1",
        "cpu.topology.cores": "1",
        "cpu.topology.threads": "1",
        "display.type": "vnc",
        "high_availability.priority": "1",
        "placement_policy.affinity": "migratable",
        "memory_policy.ballooning": "true",
        "~boot.first": "hd",
        ...filled(template),
        ...(cluster ? { "cluster.id": cluster.id } : {}),
        "template.id": params["template"] ?? BLANK,
        ...before,
      };

  const finish = (document: Record<string, unknown>, values: Values): void => {
    finishVm(document, values, vm ? before : { "~boot.first": "hd" });
    if (propertiesChanged) document["custom_properties"] = { custom_property: properties };
  };
  const send = vm
    ? undefined
    : (document: Record<string, unknown>, values: Values): Promise<Row> => post<Row>(`/vms${values["~clone"] === "true" ? "?clone=true" : ""}`, document);
  const after = async (made: Row, values: Values): Promise<void> => {
    if (vm) return;
    await addNics(made.id, nics);
    await attachDisks(made.id, disks);
    if (values["~label"]) await post(`/vms/${made.id}/affinitylabels`, { id: values["~label"] });
    if (values["~start"] === "true") await post(`/vms/${made.id}/start`);
  };
  const level = (values: Values): string => values["~level"] || version(clusters?.find((one) => one.id === values["cluster.id"])?.["version"]);
  const size = disks.reduce((all, disk) => all + (parseBytes(disk.size, "GiB") ?? 0), 0);

  return (
    <FormDialog
      title={vm ? "Edit Virtual Machine" : "New Virtual Machine"}
      row={vm}
      path={vm ? `/vms/${vm.id}` : "/vms"}
      top={top}
      tabs={tabs}
      defaults={defaults}
      finish={finish}
      {...(send ? { send } : {})}
      after={after}
      touched={disks.length + nics.length > 0 || propertiesChanged}
      extra={{
        ...(vm
          ? {}
          : {
              general: (
                <>
                  <DiskList disks={disks} onChange={setDisks} vmName="" />
                  <NicList nics={nics} onChange={setNics} />
                </>
              ),
            }),
        properties: (
          <PropertyList
            offered={offeredProperties(offered, level(vm ? { "~level": before["~level"] ?? "", "cluster.id": text(vm, "cluster.id") } : { "cluster.id": cluster?.id ?? "" }))}
            properties={properties}
            onChange={(next) => {
              setProperties(next);
              setPropertiesChanged(true);
            }}
          />
        ),
      }}
      what={(values) => (
        <span>
          <b>
            {vcpus(values)} {vcpus(values) === 1 ? "vCPU" : "vCPUs"}, {bytes(parseBytes(values["memory"] ?? ""))}
            {size > 0 && `, ${bytes(size)}`}
          </b>
          {vm && text(vm, "status") !== "down" && " · what a running VM cannot take waits for its next start"}
        </span>
      )}
      onClose={onClose}
    />
  );
}
