/** Parts of the VM's form that are lists: its disks, its network interfaces, its custom properties. */
import { type ReactElement, useState } from "react";
import { type Row, items, number, post, text } from "../../api/client";
import { FormSection } from "../../forms/Field";
import { parseBytes } from "../../forms/fields";
import { useRows } from "../../data/queries";
import { names } from "../../data/names";
import { bytes } from "../../ui/format";
import { Icon } from "../../ui/Icon";

/** A disk that the VM gets: an existing one, or one to be made. */
export interface WantedDisk {
  key: number;
  existing?: Row;
  name: string;
  size: string;
  domain: string;
  sparse: boolean;
  bootable: boolean;
}
export interface WantedNic {
  key: number;
  name: string;
  profile: string;
}
let keys = 0;
function nextKey(): number {
  keys += 1;
  return keys;
}

export function DiskList({ disks, onChange, vmName }: { disks: WantedDisk[]; onChange: (disks: WantedDisk[]) => void; vmName: string }): ReactElement {
  const domains = (useRows("/storagedomains").data ?? []).filter((domain) => text(domain, "type") === "data" && text(domain, "status") !== "maintenance");
  const [choosing, setChoosing] = useState(false);
  const free = (useRows(choosing ? "/disks?max=500&follow=vms" : undefined).data ?? []).filter((disk) => text(disk, "status") === "ok" && items(disk, "vms").length === 0);
  const put = (key: number, change: Partial<WantedDisk>): void =>
    onChange(disks.map((disk) => (disk.key === key ? { ...disk, ...change } : change.bootable ? { ...disk, bootable: false } : disk)));
  return (
    <FormSection
      title="Instance Images"
      tools={
        <>
          <button type="button" className="ov-button" onClick={() => setChoosing(!choosing)}>
            <Icon name="link" /> Attach
          </button>
          <button
            type="button"
            className="ov-button"
            onClick={() =>
              onChange([...disks, { key: nextKey(), name: `${vmName || "vm"}_Disk${disks.length + 1}`, size: "10 GiB", domain: domains[0]?.id ?? "", sparse: true, bootable: disks.length === 0 }])
            }
          >
            <Icon name="plus" /> Create
          </button>
        </>
      }
    >
      {choosing && (
        <label className="ov-field">
          <span>Disk to attach</span>
          <select
            className="ov-input"
            value=""
            onChange={(event) => {
              const existing = free.find((disk) => disk.id === event.target.value);
              if (existing)
                onChange([...disks, { key: nextKey(), existing, name: existing.name ?? "", size: String(number(existing, "provisioned_size") ?? 0), domain: "", sparse: true, bootable: disks.length === 0 }]);
              setChoosing(false);
            }}
          >
            <option value="">{free.length === 0 ? "No disk is free" : "Choose a disk"}</option>
            {free
              .filter((disk) => !disks.some((one) => one.existing?.id === disk.id))
              .map((disk) => (
                <option key={disk.id} value={disk.id}>
                  {disk.name} ({bytes(number(disk, "provisioned_size"))})
                </option>
              ))}
          </select>
        </label>
      )}
      {disks.length > 0 && (
        <table className="ov-form-list" aria-label="Instance Images">
          <tbody>
            {disks.map((disk) => (
              <tr key={disk.key}>
                <td>{disk.existing ? <b>{disk.name}</b> : <input className="ov-input" aria-label="Disk name" value={disk.name} onChange={(event) => put(disk.key, { name: event.target.value })} />}</td>
                <td>
                  {disk.existing ? bytes(Number(disk.size)) : <input className="ov-input ov-short" aria-label={`Size of ${disk.name}`} value={disk.size} onChange={(event) => put(disk.key, { size: event.target.value })} />}
                </td>
                <td>
                  {!disk.existing && (
                    <select className="ov-input" aria-label={`Storage domain of ${disk.name}`} value={disk.domain} onChange={(event) => put(disk.key, { domain: event.target.value })}>
                      {domains.map((domain) => (
                        <option key={domain.id} value={domain.id}>
                          {domain.name}
                        </option>
                      ))}
                    </select>
                  )}
                </td>
                <td>
                  {!disk.existing && (
                    <select className="ov-input" aria-label={`Allocation of ${disk.name}`} value={String(disk.sparse)} onChange={(event) => put(disk.key, { sparse: event.target.value === "true" })}>
                      <option value="true">Thin</option>
                      <option value="false">Preallocated</option>
                    </select>
                  )}
                </td>
                <td>
                  <label className="ov-field-check">
                    <input type="checkbox" className="ov-check" checked={disk.bootable} onChange={(event) => put(disk.key, { bootable: event.target.checked })} /> boot
                  </label>
                </td>
                <td className="end">
                  <button type="button" className="ov-button bare" aria-label={`Remove ${disk.name}`} onClick={() => onChange(disks.filter((one) => one !== disk))}>
                    <Icon name="close" />
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </FormSection>
  );
}

/** Send them, one after the other, so that names and boot marks meet in the order shown. */
export async function attachDisks(vm: string, disks: readonly WantedDisk[]): Promise<void> {
  for (const disk of disks) {
    const size = parseBytes(disk.size, "GiB");
    const attachment = disk.existing
      ? { disk: { id: disk.existing.id } }
      : {
          disk: {
            name: disk.name.trim(),
            provisioned_size: String(size ?? disk.size),
            format: disk.sparse ? "cow" : "raw",
            sparse: String(disk.sparse),
            storage_domains: { storage_domain: [{ id: disk.domain }] },
          },
        };
    // oxlint-disable-next-line no-await-in-loop
    await post(`/vms/${vm}/diskattachments`, { ...attachment, interface: "virtio_scsi", bootable: String(disk.bootable), active: "true" });
  }
}

export function NicList({ nics, onChange }: { nics: WantedNic[]; onChange: (nics: WantedNic[]) => void }): ReactElement {
  const profiles = useRows("/vnicprofiles").data ?? [];
  return (
    <FormSection
      title="Network Interfaces"
      tools={
        <button type="button" className="ov-button" onClick={() => onChange([...nics, { key: nextKey(), name: `nic${nics.length + 1}`, profile: profiles[0]?.id ?? "" }])}>
          <Icon name="plus" /> Add
        </button>
      }
    >
      {nics.length > 0 && (
        <table className="ov-form-list" aria-label="Network Interfaces">
          <tbody>
            {nics.map((nic) => (
              <tr key={nic.key}>
                <td>
                  <b>{nic.name}</b>
                </td>
                <td>
                  <select
                    className="ov-input"
                    aria-label={`vNIC profile of ${nic.name}`}
                    value={nic.profile}
                    onChange={(event) => onChange(nics.map((one) => (one === nic ? { ...nic, profile: event.target.value } : one)))}
                  >
                    <option value="">Empty</option>
                    {profiles.map((profile) => (
                      <option key={profile.id} value={profile.id}>
                        {profile.name} / {names.of("networks", text(profile, "network.id"))}
                      </option>
                    ))}
                  </select>
                </td>
                <td className="end">
                  <button type="button" className="ov-button bare" aria-label={`Remove ${nic.name}`} onClick={() => onChange(nics.filter((one) => one !== nic))}>
                    <Icon name="close" />
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </FormSection>
  );
}

export async function addNics(vm: string, nics: readonly WantedNic[]): Promise<void> {
  for (const nic of nics)
    // oxlint-disable-next-line no-await-in-loop
    await post(`/vms/${vm}/nics`, { name: nic.name, interface: "virtio", ...(nic.profile ? { vnic_profile: { id: nic.profile } } : {}) });
}

export interface Property {
  name: string;
  value: string;
}

/** Names that a level offers, with the pattern of their values: `NAME=PATTERN;NAME=PATTERN`. */
export function offeredProperties(option: Row | undefined, level: string): [name: string, pattern: string][] {
  const values = ((option?.["values"] as { system_option_value?: { value: string; version: string }[] } | undefined)?.system_option_value ?? []).find((one) => one.version === level)?.value ?? "";
  return values
    .split(";")
    .map((one) => one.split("="))
    .filter((pair): pair is [string, ...string[]] => !!pair[0])
    .map(([name, ...pattern]) => [name.trim(), pattern.join("=")]);
}

export function PropertyList({ offered, properties, onChange }: { offered: [string, string][]; properties: Property[]; onChange: (properties: Property[]) => void }): ReactElement {
  const free = offered.filter(([name]) => !properties.some((one) => one.name === name));
  return (
    <FormSection
      title="Custom Properties"
      tools={
        free.length > 0 && (
          <select className="ov-input ov-short" aria-label="Add a custom property" value="" onChange={(event) => event.target.value && onChange([...properties, { name: event.target.value, value: "" }])}>
            <option value="">Add…</option>
            {free.map(([name]) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )
      }
    >
      {offered.length === 0 && properties.length === 0 && <p className="ov-muted">No custom properties are defined for this compatibility version (ovis-engine config).</p>}
      {properties.map((property) => {
        const pattern = offered.find(([name]) => name === property.name)?.[1];
        return (
          <div className="ov-field" key={property.name}>
            <label htmlFor={`property-${property.name}`}>{property.name}</label>
            <div>
              <span className="ov-line">
                <input
                  id={`property-${property.name}`}
                  className="ov-input ov-mono"
                  value={property.value}
                  onChange={(event) => onChange(properties.map((one) => (one === property ? { ...property, value: event.target.value } : one)))}
                />
                <button type="button" className="ov-button bare" aria-label={`Remove ${property.name}`} onClick={() => onChange(properties.filter((one) => one !== property))}>
                  <Icon name="close" />
                </button>
              </span>
              {pattern && <p className="ov-field-help ov-mono">{pattern}</p>}
            </div>
          </div>
        );
      })}
    </FormSection>
  );
}
