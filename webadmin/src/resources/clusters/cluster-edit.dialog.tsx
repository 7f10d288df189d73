/** New Cluster, Edit Cluster. */
import { type ReactElement, useState } from "react";
import { type Row, items, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRow, useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { FormSection } from "../../forms/Field";
import { type Choice, type FormTab, named } from "../../forms/fields";
import { finishLevel, levelAt, levelField } from "../../forms/levels";

const inherit = [
  { value: "inherit", label: "Inherit from global setting" },
  { value: "true", label: "Yes" },
  { value: "false", label: "No" },
];

/** CPU types of a level: `rank:name:flags:verb:architecture; ...`. */
function cpuTypes(option: Row | undefined, level: string): Choice[] {
  const all = (option?.["values"] as { system_option_value?: { value: string; version: string }[] } | undefined)?.system_option_value ?? [];
  const found = all.find((one) => one.version === level)?.value ?? "";
  return found
    .split("; ")
    .map((one) => one.split(":")[1] ?? "")
    .filter(Boolean)
    .map((value) => ({ value, label: value }));
}

export default function ClusterEdit({ rows, params, onClose }: DialogProps): ReactElement | null {
  const fresh = useRow(rows[0] ? `/clusters/${rows[0].id}` : undefined).data;
  const centers = useRows("/datacenters").data;
  const policies = useRows("/schedulingpolicies").data;
  if ((rows[0] && !fresh) || !centers || !policies) return null;
  return <Form row={fresh} params={params} onClose={onClose} />;
}

function Form({ row, params, onClose }: { row: Row | undefined; params: Record<string, string>; onClose: () => void }): ReactElement {
  const centers = useRows("/datacenters").data;
  const policies = useRows("/schedulingpolicies").data;
  const units = useRows("/schedulingpolicyunits").data;
  const pools = useRows("/macpools").data;
  const cpus = useRow("/options/ServerCPUList").data;
  const networks = useRows("/networks").data;
  const [properties, setProperties] = useState<Record<string, string>>(() => Object.fromEntries(items(row, "custom_scheduling_policy_properties").map((one) => [one.name ?? "", text(one, "value")])));
  const [touched, setTouched] = useState(false);
  const [policyId, setPolicyId] = useState(text(row, "scheduling_policy.id"));
  const policy = policies?.find((one) => one.id === policyId) ?? policies?.find((one) => one.name === "none");
  const offered = items(policy, "properties").map((one) => one.name ?? "");
  const patterns = new Map((units ?? []).flatMap((unit) => items(unit, "properties").map((one) => [one.name ?? "", text(one, "value")] as const)));

  const tabs: FormTab[] = [
    {
      id: "general",
      label: "General",
      sections: [
        {
          fields: [
            { path: "data_center.id", label: "Data Center", kind: "choice", required: true, choices: named(centers), fixed: (_, cluster) => (cluster ? "A cluster stays in its data center." : undefined) },
            { path: "name", label: "Name", kind: "text", required: true, limit: 40, says: /\bname\b/i },
            { path: "description", label: "Description", kind: "text" },
            { path: "comment", label: "Comment", kind: "text" },
            { path: "management_network.id", label: "Management Network", kind: "choice", none: "ovirtmgmt", advanced: true, when: () => !row, choices: (values) => named((networks ?? []).filter((one) => text(one, "data_center.id") === values["data_center.id"])) },
            levelField("Compatibility Version"),
            { path: "cpu.architecture", label: "CPU Architecture", kind: "choice", none: "undefined", choices: [{ value: "x86_64", label: "x86_64" }, { value: "ppc64", label: "ppc64" }, { value: "s390x", label: "s390x" }] },
            { path: "cpu.type", label: "CPU Type", kind: "choice", none: "Of the first host", choices: (values) => cpuTypes(cpus, values["~level"] ?? "4.7"), says: /\bCPU\b/ },
            { path: "bios_type", label: "Chipset/Firmware Type", kind: "choice", none: "Auto Detect", choices: [{ value: "q35_ovmf", label: "Q35 Chipset with UEFI" }, { value: "q35_sea_bios", label: "Q35 Chipset with BIOS" }, { value: "q35_secure_boot", label: "Q35 Chipset with UEFI SecureBoot" }, { value: "i440fx_sea_bios", label: "I440FX Chipset with BIOS" }] },
            { path: "switch_type", label: "Switch Type", kind: "choice", advanced: true, choices: [{ value: "legacy", label: "Linux Bridge" }, { value: "ovs", label: "OVS" }] },
            { path: "virt_service", label: "Enable Virt Service", kind: "check", advanced: true },
          ],
        },
      ],
    },
    {
      id: "optimization",
      label: "Optimization",
      sections: [
        {
          title: "Memory Optimization",
          fields: [{ path: "memory_policy.over_commit.percent", label: "Memory Page Sharing", kind: "choice", choices: [{ value: "100", label: "None: at most the physical memory" }, { value: "150", label: "For server load: 150 %" }, { value: "200", label: "For desktop load: 200 %" }] }],
        },
        {
          title: "CPU Threads",
          fields: [
            { path: "threads_as_cores", label: "Count Threads As Cores", kind: "check" },
            { path: "ballooning_enabled", label: "Enable Memory Balloon Optimization", kind: "check" },
            { path: "ksm.enabled", label: "Enable KSM", kind: "check" },
          ],
        },
      ],
    },
    {
      id: "migration",
      label: "Migration Policy",
      sections: [
        {
          fields: [
            { path: "migration.auto_converge", label: "Auto Converge migrations", kind: "choice", choices: inherit },
            { path: "migration.compressed", label: "Migration compression", kind: "choice", choices: inherit },
            { path: "migration.encrypted", label: "Migration encryption", kind: "choice", choices: inherit },
            { path: "migration.bandwidth.assignment_method", label: "Bandwidth", kind: "choice", choices: [{ value: "auto", label: "Auto" }, { value: "hypervisor_default", label: "Hypervisor default" }, { value: "custom", label: "Custom" }] },
            { path: "migration.bandwidth.custom_value", label: "Custom bandwidth", kind: "number", unit: "Mbit/s", least: 1, when: (values) => values["migration.bandwidth.assignment_method"] === "custom", with: ["migration.bandwidth.assignment_method"] },
            { path: "error_handling.on_error", label: "Resilience Policy", kind: "choice", choices: [{ value: "migrate", label: "Migrate Virtual Machines" }, { value: "migrate_highly_available", label: "Migrate only Highly Available Virtual Machines" }, { value: "do_not_migrate", label: "Do Not Migrate Virtual Machines" }] },
          ],
        },
      ],
    },
    {
      id: "policy",
      label: "Scheduling Policy",
      sections: [
        {
          fields: [
            { path: "scheduling_policy.id", label: "Select Policy", kind: "choice", choices: named(policies), fills: (value) => (setPolicyId(value), setProperties(Object.fromEntries(items(policies?.find((one) => one.id === value), "properties").map((one) => [one.name ?? "", text(one, "value")]))), setTouched(true), {}) },
            { path: "trusted_service", label: "Enable Trusted Service", kind: "check", advanced: true },
            { path: "ha_reservation", label: "Enable HA Reservation", kind: "check" },
          ],
        },
      ],
    },
    {
      id: "console",
      label: "Console",
      sections: [
        {
          fields: [
            { path: "display.proxy", label: "SPICE Proxy", kind: "text", placeholder: "http://proxy:3128" },
            { path: "vnc_encryption", label: "Enable VNC Encryption", kind: "check" },
          ],
        },
      ],
    },
    {
      id: "fencing",
      label: "Fencing Policy",
      sections: [
        {
          fields: [
            { path: "fencing_policy.enabled", label: "Enable fencing", kind: "check" },
            { path: "fencing_policy.skip_if_sd_active.enabled", label: "Skip fencing if host has live lease on storage", kind: "check" },
            { path: "fencing_policy.skip_if_connectivity_broken.enabled", label: "Skip fencing on cluster connectivity issues", kind: "check" },
            { path: "fencing_policy.skip_if_connectivity_broken.threshold", label: "Threshold", kind: "number", unit: "%", least: 1, most: 100, when: (values) => values["fencing_policy.skip_if_connectivity_broken.enabled"] === "true", with: ["fencing_policy.skip_if_connectivity_broken.enabled"] },
          ],
        },
      ],
    },
    { id: "mac", label: "MAC Address Pool", sections: [{ fields: [{ path: "mac_pool.id", label: "MAC Address Pool", kind: "choice", none: "Default", choices: named(pools) }] }] },
  ];
  return (
    <FormDialog
      title={row ? "Edit Cluster" : "New Cluster"}
      row={row}
      path={row ? `/clusters/${row.id}` : "/clusters"}
      tabs={tabs}
      defaults={{
        "~level": levelAt(row) || "4.7",
        "data_center.id": params["parent"] ?? centers?.[0]?.id ?? "",
        "cpu.architecture": "x86_64",
        "memory_policy.over_commit.percent": "100",
        "migration.auto_converge": "inherit",
        "migration.compressed": "inherit",
        "migration.encrypted": "inherit",
        "migration.bandwidth.assignment_method": "auto",
        "error_handling.on_error": "migrate",
        "fencing_policy.enabled": "true",
        ballooning_enabled: "true",
        "ksm.enabled": "true",
        switch_type: "legacy",
        virt_service: "true",
        ...(policy && !row ? { "scheduling_policy.id": policy.id } : {}),
      }}
      finish={(document, values) => {
        finishLevel(document, values, levelAt(row));
        if (touched) document["custom_scheduling_policy_properties"] = { property: Object.entries(properties).filter(([, value]) => value !== "").map(([name, value]) => ({ name, value })) };
      }}
      touched={touched}
      extra={{
        policy: (
          <FormSection title="Properties">
            {offered.length === 0 && <p className="ov-muted">This policy has no properties.</p>}
            {offered.map((name) => (
              <div className="ov-field" key={name}>
                <label htmlFor={`policy-${name}`}>{name}</label>
                <div>
                  <input
                    id={`policy-${name}`}
                    className="ov-input"
                    value={properties[name] ?? ""}
                    onChange={(event) => {
                      setProperties({ ...properties, [name]: event.target.value });
                      setTouched(true);
                    }}
                  />
                  {patterns.get(name) && <p className="ov-field-help ov-mono">{patterns.get(name)}</p>}
                </div>
              </div>
            ))}
          </FormSection>
        ),
      }}
      onClose={onClose}
    />
  );
}
