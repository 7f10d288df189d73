/** Fields of a VM, a template and run once, on the tabs that oVirt's dialog has. */
import type { Row } from "../../api/client";
import { at, items, text } from "../../api/client";
import type { Choice, Field, FormTab, Values } from "../../forms/fields";
import { exactBytes, named, parseBytes } from "../../forms/fields";
import { levelAt, levelChoices } from "../../forms/levels";

const MIB = 1024 ** 2;
const words = (list: string): Choice[] =>
  list.split(", ").map((pair) => {
    const [value = "", label = ""] = pair.split("=");
    return { value, label };
  });
const is = (path: string, value = "true") => (values: Values): boolean => values[path] === value;

/** Lists that choices come from. */
export interface Lists {
  hosts: readonly Row[];
  cpuProfiles: readonly Row[];
  storageDomains: readonly Row[];
}

const TOPOLOGY = ["cpu.topology.sockets", "cpu.topology.cores", "cpu.topology.threads"];
const MEMORY = ["memory_policy.guaranteed", "memory_policy.max"];
const topology = (part: string, label: string): Field => ({ path: `cpu.topology.${part}`, label, kind: "number", least: 1, most: 710, with: TOPOLOGY, required: true });

export function vcpus(values: Values): number {
  return TOPOLOGY.reduce((all, path) => all * (Number(values[path]) || 1), 1);
}

/** What was guaranteed follows the size; the maximum is four times as much, as where nobody chose it. */
function followMemory(value: string, values: Values): Values {
  const size = parseBytes(value);
  const before = parseBytes(values["memory"] ?? "");
  const guaranteed = parseBytes(values["memory_policy.guaranteed"] ?? "");
  const most = parseBytes(values["memory_policy.max"] ?? "");
  if (size === undefined) return {};
  return {
    ...(guaranteed !== undefined && (guaranteed === before || guaranteed > size) ? { "memory_policy.guaranteed": exactBytes(size) } : {}),
    ...(most !== undefined && (most === (before ?? 0) * 4 || most < size) ? { "memory_policy.max": exactBytes(size * 4) } : {}),
  };
}

export function systemTab(): FormTab {
  return {
    id: "system",
    label: "System",
    sections: [
      {
        fields: [
          { path: "memory", label: "Memory Size", kind: "bytes", least: MIB, required: true, with: MEMORY, says: /memory/i, fills: followMemory },
          {
            path: "memory_policy.max",
            label: "Maximum memory",
            kind: "bytes",
            advanced: true,
            check: (value, values) => ((parseBytes(value) ?? 0) < (parseBytes(values["memory"] ?? "") ?? 0) ? "Not below the memory size." : undefined),
          },
          {
            path: "memory_policy.guaranteed",
            label: "Physical Memory Guaranteed",
            kind: "bytes",
            advanced: true,
            check: (value, values) => ((parseBytes(value) ?? 0) > (parseBytes(values["memory"] ?? "") ?? Infinity) ? "Not above the memory size." : undefined),
          },
          { ...topology("sockets", "Virtual Sockets"), help: "Total Virtual CPUs = sockets x cores x threads." },
          topology("cores", "Cores per Virtual Socket"),
          topology("threads", "Threads per Core"),
        ],
      },
      {
        title: "Machine",
        fields: [
          { path: "bios.type", label: "Chipset/Firmware Type", kind: "choice", none: "Cluster default", advanced: true, choices: words("q35_ovmf=Q35 Chipset with UEFI, q35_sea_bios=Q35 Chipset with BIOS, q35_secure_boot=Q35 Chipset with UEFI SecureBoot, i440fx_sea_bios=I440FX Chipset with BIOS") },
          { path: "custom_emulated_machine", label: "Custom Emulated Machine", kind: "text", advanced: true, placeholder: "Cluster default" },
          { path: "custom_cpu_model", label: "Custom CPU Type", kind: "text", advanced: true, placeholder: "Cluster default" },
          { path: "~level", label: "Custom Compatibility Version", kind: "choice", none: "Cluster default", advanced: true, choices: levelChoices },
          { path: "time_zone.name", label: "Hardware Clock Time Offset", kind: "text", advanced: true, placeholder: "Etc/GMT" },
          { path: "serial_number.policy", label: "Serial Number Policy", kind: "choice", none: "Cluster default", advanced: true, choices: words("host=Host ID, vm=VM ID, custom=Custom"), with: ["serial_number.value"] },
          { path: "serial_number.value", label: "Custom Serial Number", kind: "text", advanced: true, when: is("serial_number.policy", "custom"), with: ["serial_number.policy"] },
        ],
      },
    ],
  };
}

export function initialRunTab(): FormTab {
  const on = is("~init");
  return {
    id: "initialRun",
    label: "Initial Run",
    sections: [
      {
        fields: [
          { path: "~init", label: "Use Cloud-Init/Sysprep", kind: "check" },
          { path: "initialization.host_name", label: "VM Hostname", kind: "text", when: on },
          { path: "initialization.timezone", label: "Configure Time Zone", kind: "text", when: on, placeholder: "Europe/Brno" },
        ],
      },
      {
        title: "Authentication",
        fields: [
          { path: "initialization.user_name", label: "User Name", kind: "text", when: on },
          { path: "initialization.root_password", label: "Password", kind: "password", when: on },
          { path: "initialization.authorized_ssh_keys", label: "SSH Authorized Keys", kind: "area", when: on },
          { path: "initialization.regenerate_ssh_keys", label: "Regenerate SSH Keys", kind: "check", when: on },
        ],
      },
      {
        title: "Networks",
        fields: [
          { path: "initialization.dns_servers", label: "DNS Servers", kind: "text", when: on },
          { path: "initialization.dns_search", label: "DNS Search Domains", kind: "text", when: on },
          { path: "~nic.name", label: "In-guest Network Interface Name", kind: "text", when: on, placeholder: "eth0" },
          { path: "~nic.protocol", label: "IPv4 Boot Protocol", kind: "choice", none: "", when: (values) => on(values) && !!values["~nic.name"], choices: words("dhcp=DHCP, static=Static, none=None") },
          { path: "~nic.address", label: "IP Address", kind: "text", when: is("~nic.protocol", "static") },
          { path: "~nic.netmask", label: "Netmask", kind: "text", when: is("~nic.protocol", "static") },
          { path: "~nic.gateway", label: "Gateway", kind: "text", when: is("~nic.protocol", "static") },
        ],
      },
      { title: "Custom Script", fields: [{ path: "initialization.custom_script", label: "Custom Script", kind: "area", when: on }] },
    ],
  };
}

export const consoleTab: FormTab = {
  id: "console",
  label: "Console",
  sections: [
    {
      title: "Graphical Console",
      fields: [
        { path: "display.type", label: "Graphics protocol", kind: "choice", choices: words("vnc=VNC, spice=SPICE") },
        { path: "display.monitors", label: "Monitors", kind: "choice", choices: words("1=1, 2=2, 4=4"), advanced: true },
        { path: "display.disconnect_action", label: "Console Disconnect Action", kind: "choice", choices: words("NONE=No action, LOCK_SCREEN=Lock screen, LOGOUT=Logout user, SHUTDOWN=Shutdown virtual machine, REBOOT=Reboot virtual machine"), advanced: true },
        { path: "display.copy_paste_enabled", label: "Enable SPICE clipboard copy and paste", kind: "check", advanced: true },
        { path: "display.file_transfer_enabled", label: "Enable SPICE file transfer", kind: "check", advanced: true },
        { path: "display.smartcard_enabled", label: "Smartcard enabled", kind: "check", advanced: true },
        { path: "usb.enabled", label: "USB enabled", kind: "check" },
        { path: "soundcard_enabled", label: "Soundcard enabled", kind: "check", advanced: true },
      ],
    },
    { title: "Serial Console", fields: [{ path: "console.enabled", label: "Enable VirtIO serial console", kind: "check" }] },
  ],
};

export function hostTab(lists: Lists): FormTab {
  const ofCluster = (values: Values): Choice[] => named(lists.hosts.filter((host) => text(host, "cluster.id") === values["cluster.id"]));
  return {
    id: "host",
    label: "Host",
    sections: [
      {
        title: "Start Running On",
        fields: [{ path: "~host", label: "Specific Host", kind: "choice", none: "Any Host in Cluster", choices: ofCluster }],
      },
      {
        title: "CPU Options",
        fields: [{ path: "cpu.mode", label: "CPU mode", kind: "choice", none: "Cluster CPU type", advanced: true, choices: words("host_passthrough=Pass-Through Host CPU, host_model=Host model, custom=Custom") }],
      },
      {
        title: "Migration Options",
        fields: [
          { path: "placement_policy.affinity", label: "Migration mode", kind: "choice", choices: words("migratable=Allow manual and automatic migration, user_migratable=Allow manual migration only, pinned=Do not allow migration") },
          { path: "migration.auto_converge", label: "Auto Converge migrations", kind: "choice", advanced: true, choices: words("inherit=Cluster default, true=Auto Converge, false=Don't Auto Converge") },
          { path: "migration.compressed", label: "Migration compression", kind: "choice", advanced: true, choices: words("inherit=Cluster default, true=Compress, false=Don't compress") },
          { path: "migration.encrypted", label: "Migration encryption", kind: "choice", advanced: true, choices: words("inherit=Cluster default, true=Encrypt, false=Don't encrypt") },
          { path: "migration_downtime", label: "Custom migration downtime", kind: "number", unit: "ms", least: -1, advanced: true, help: "-1: what the migration policy says." },
        ],
      },
    ],
  };
}

export function availabilityTab(lists: Lists): FormTab {
  const on = is("high_availability.enabled");
  return {
    id: "ha",
    label: "High Availability",
    sections: [
      {
        fields: [
          { path: "high_availability.enabled", label: "Highly Available", kind: "check", with: ["high_availability.priority"] },
          { path: "lease.storage_domain.id", label: "Target Storage Domain for VM Lease", kind: "choice", none: "No VM Lease", when: on, advanced: true, choices: named(lists.storageDomains) },
          { path: "storage_error_resume_behaviour", label: "Resume Behavior", kind: "choice", advanced: true, choices: words("auto_resume=Auto resume, leave_paused=Leave paused, kill=Kill") },
          { path: "high_availability.priority", label: "Priority for Run/Migration queue", kind: "choice", when: on, with: ["high_availability.enabled"], choices: words("1=Low, 50=Medium, 100=High") },
        ],
      },
    ],
  };
}

export function resourcesTab(lists: Lists): FormTab {
  return {
    id: "resources",
    label: "Resource Allocation",
    sections: [
      {
        title: "CPU Allocation",
        fields: [
          { path: "cpu_profile.id", label: "CPU Profile", kind: "choice", none: "", choices: (values) => named(lists.cpuProfiles.filter((profile) => text(profile, "cluster.id") === values["cluster.id"])) },
          { path: "cpu_shares", label: "CPU Shares", kind: "choice", choices: words("0=Disabled, 512=Low, 1024=Medium, 2048=High"), advanced: true },
          { path: "~pinning", label: "CPU Pinning topology", kind: "text", placeholder: "0#0_1#1", advanced: true, says: /pin/i, help: "vCPU # host CPUs, joined by _" },
        ],
      },
      { title: "Memory Allocation", fields: [{ path: "memory_policy.ballooning", label: "Memory Balloon Device Enabled", kind: "check" }] },
      { title: "Trusted Platform Module", fields: [{ path: "tpm_enabled", label: "TPM Device Enabled", kind: "check", advanced: true, says: /TPM/i }] },
      { title: "IO Threads", fields: [{ path: "io.threads", label: "Num Of IO Threads", kind: "number", least: 0, most: 127, advanced: true }] },
      {
        title: "Queues",
        fields: [
          { path: "multi_queues_enabled", label: "Multi Queues enabled", kind: "check", advanced: true },
          { path: "virtio_scsi.enabled", label: "VirtIO-SCSI Enabled", kind: "check", advanced: true },
        ],
      },
    ],
  };
}

export const bootTab: FormTab = {
  id: "boot",
  label: "Boot Options",
  sections: [
    {
      title: "Boot Sequence",
      fields: [
        { path: "~boot.first", label: "First Device", kind: "choice", choices: words("hd=Hard Disk, cdrom=CD-ROM, network=Network (PXE)") },
        { path: "~boot.second", label: "Second Device", kind: "choice", none: "[None]", choices: (values) => words("hd=Hard Disk, cdrom=CD-ROM, network=Network (PXE)").filter((choice) => choice.value !== values["~boot.first"]) },
        { path: "bios.boot_menu.enabled", label: "Enable menu to select boot device", kind: "check" },
      ],
    },
    {
      title: "Linux Boot Options",
      fields: [
        { path: "os.kernel", label: "kernel path", kind: "mono", advanced: true },
        { path: "os.initrd", label: "initrd path", kind: "mono", advanced: true },
        { path: "os.cmdline", label: "kernel parameters", kind: "mono", advanced: true },
      ],
    },
  ],
};

export const randomTab: FormTab = {
  id: "rng",
  label: "Random Generator",
  advanced: true,
  sections: [
    {
      fields: [
        { path: "rng_device.source", label: "Random Generator source", kind: "choice", none: "Disabled", choices: words("urandom=/dev/urandom, random=/dev/random, hwrng=/dev/hwrng") },
        { path: "rng_device.rate.period", label: "Period duration", kind: "number", unit: "ms", least: 100, when: (values) => !!values["rng_device.source"], with: ["rng_device.source", "rng_device.rate.bytes"] },
        { path: "rng_device.rate.bytes", label: "Bytes per period", kind: "number", least: 1, when: (values) => !!values["rng_device.source"], with: ["rng_device.source", "rng_device.rate.period"] },
      ],
    },
  ],
};

export const affinityTab = (labels: readonly Row[]): FormTab => ({
  id: "affinity",
  label: "Affinity",
  advanced: true,
  sections: [{ fields: [{ path: "~label", label: "Affinity Label", kind: "choice", none: "None", choices: named(labels) }] }],
});

/** Values of what lists hold: boot devices, hosts, pins, the first network interface of the initial run. */
export function unsentOf(row: Row): Values {
  const nic = items(row, "initialization.nic_configurations")[0];
  const boot = at(row, "os.boot.devices.device") as string[] | undefined;
  const pins = items(row, "cpu.cpu_tune.vcpu_pins");
  return {
    "~init": String(at(row, "initialization") !== undefined),
    "~boot.first": boot?.[0] ?? "hd",
    "~boot.second": boot?.[1] ?? "",
    "~host": items(row, "placement_policy.hosts")[0]?.id ?? "",
    "~level": levelAt(row, "custom_compatibility_version"),
    "~pinning": pins.map((pin) => `${text(pin, "vcpu")}#${text(pin, "cpu_set")}`).join("_"),
    "~nic.name": text(nic, "name"),
    "~nic.protocol": text(nic, "boot_protocol"),
    "~nic.address": text(nic, "ip.address"),
    "~nic.netmask": text(nic, "ip.netmask"),
    "~nic.gateway": text(nic, "ip.gateway"),
  };
}

/** Put those values into the document; before: what they were. */
export function finishVm(document: Record<string, unknown>, values: Values, before: Values = {}): void {
  const differs = (...keys: string[]): boolean => keys.some((key) => (values[key] ?? "") !== (before[key] ?? ""));
  const inner = (key: string): Record<string, unknown> => (document[key] ??= {}) as Record<string, unknown>;
  if (differs("~boot.first", "~boot.second"))
    inner("os")["boot"] = { devices: { device: [values["~boot.first"], values["~boot.second"]].filter(Boolean) } };
  if (differs("~host")) inner("placement_policy")["hosts"] = { host: values["~host"] ? [{ id: values["~host"] }] : [] };
  if (differs("~level")) {
    const [major, minor] = (values["~level"] ?? "").split(".");
    document["custom_compatibility_version"] = values["~level"] ? { major, minor } : {};
  }
  if (differs("~pinning"))
    inner("cpu")["cpu_tune"] = {
      vcpu_pins: { vcpu_pin: (values["~pinning"] ?? "").split("_").filter(Boolean).map((pin) => ({ vcpu: pin.split("#")[0], cpu_set: pin.split("#")[1] ?? "" })) },
    };
  if (values["~init"] !== "true") {
    delete document["initialization"];
  } else if (differs("~nic.name", "~nic.protocol", "~nic.address", "~nic.netmask", "~nic.gateway") && values["~nic.name"]) {
    const still = values["~nic.protocol"] === "static";
    inner("initialization")["nic_configurations"] = {
      nic_configuration: [
        {
          name: values["~nic.name"],
          on_boot: "true",
          boot_protocol: values["~nic.protocol"] || "dhcp",
          ...(still ? { ip: { address: values["~nic.address"], netmask: values["~nic.netmask"], gateway: values["~nic.gateway"] } } : {}),
        },
      ],
    };
  }
}
