/** Fields of a disk: by itself, and as a VM has it. */
import type { Row } from "../../api/client";
import { text } from "../../api/client";
import { type Choice, type Field, type Values, parseBytes } from "../../forms/fields";
import { bytes } from "../../ui/format";

export const dataDomains = (domains: readonly Row[]): Choice[] =>
  domains
    .filter((one) => text(one, "type") === "data" && !["maintenance", "unattached", "inactive"].includes(text(one, "status")))
    .map((one) => ({ value: one.id, label: one.name ?? "", note: `${bytes(Number(text(one, "available")))} free` }));

/** prefix: "" for a disk, "disk." where it is inside its attachment. */
export function diskFields(prefix: string, domains: readonly Row[], disk: Row | undefined): Field[] {
  return [
    ...(disk ? [] : ([{ path: `${prefix}provisioned_size`, label: "Size", kind: "bytes", unit: "GiB", required: true, least: 1024 ** 2, says: /\bsize\b/i }] as Field[])),
    ...(disk ? ([{ path: "~grow", label: "Extend size by", kind: "bytes", unit: "GiB", help: `Now ${bytes(Number(text(disk, "provisioned_size")))}.`, says: /\bsize\b/i }] as Field[]) : []),
    { path: `${prefix}name`, label: "Alias", kind: "text", required: true, limit: 255, says: /\bname\b|\balias\b/i },
    { path: `${prefix}description`, label: "Description", kind: "text" },
    ...(disk
      ? []
      : ([
          { path: "~domain", label: "Storage Domain", kind: "choice", required: true, choices: dataDomains(domains), says: /storage domain/i },
          { path: `${prefix}sparse`, label: "Allocation Policy", kind: "choice", choices: [{ value: "true", label: "Thin Provision" }, { value: "false", label: "Preallocated" }] },
        ] as Field[])),
    { path: `${prefix}wipe_after_delete`, label: "Wipe After Delete", kind: "check" },
    { path: `${prefix}shareable`, label: "Shareable", kind: "check" },
  ];
}

export const newDisk = (prefix: string, domains: readonly Row[]): Values => ({
  [`${prefix}provisioned_size`]: "10 GiB",
  [`${prefix}sparse`]: "true",
  "~domain": dataDomains(domains)[0]?.value ?? "",
});

/** What the fields do not say by their paths. */
export function finishDisk(disk: Record<string, unknown>, values: Values, before: Row | undefined): void {
  if (!before) {
    disk["format"] = values["~shared"] === "true" || disk["sparse"] === "false" || disk["shareable"] === "true" ? "raw" : "cow";
    if (values["~domain"]) disk["storage_domains"] = { storage_domain: [{ id: values["~domain"] }] };
    return;
  }
  const more = values["~grow"] ? parseBytes(values["~grow"], "GiB") : undefined;
  if (more) disk["provisioned_size"] = String(Number(text(before, "provisioned_size")) + more);
}
