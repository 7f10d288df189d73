/** New Host, Edit Host: its general values and its fence agents. */
import { type ReactElement, useState } from "react";
import { type Row, items, post, put, remove, text } from "../../api/client";
import type { DialogProps } from "../../dialogs/registry";
import { useRow, useRows } from "../../data/queries";
import { FormDialog } from "../../forms/FormDialog";
import { named } from "../../forms/fields";
import { FormSection } from "../../forms/Field";
import { FENCE_TYPES } from "../../generated/facts";
import { Icon } from "../../ui/Icon";

interface Agent {
  id?: string;
  address: string;
  username: string;
  password: string;
  type: string;
  options: string;
}

const agentOf = (row: Row): Agent => ({
  id: row.id,
  address: text(row, "address"),
  username: text(row, "username"),
  password: "",
  type: text(row, "type"),
  options: items(row, "options")
    .map((one) => `${one.name}=${text(one, "value")}`)
    .join(","),
});

function documentOfAgent(agent: Agent, order: number): Record<string, unknown> {
  const options = agent.options
    .split(",")
    .map((one) => one.split("="))
    .filter((pair) => pair[0])
    .map(([name, ...value]) => ({ name: name?.trim(), value: value.join("=") }));
  return {
    address: agent.address,
    username: agent.username,
    type: agent.type,
    order: String(order),
    ...(agent.password ? { password: agent.password } : {}),
    ...(options.length > 0 ? { options: { option: options } } : {}),
  };
}

export default function HostEdit({ rows, params, onClose }: DialogProps): ReactElement | null {
  const given = rows[0];
  const row = useRow(given ? `/hosts/${given.id}` : undefined).data;
  const known = useRows(given ? `/hosts/${given.id}/fenceagents` : undefined).data;
  const clusters = useRows("/clusters").data;
  if (!clusters || (given && (!row || !known))) return null;
  return <Form row={row} known={known ?? []} params={params} onClose={onClose} />;
}

function Form({ row, known, params, onClose }: { row: Row | undefined; known: Row[]; params: Record<string, string>; onClose: () => void }): ReactElement {
  const clusters = useRows("/clusters").data;
  const [agents, setAgents] = useState<Agent[]>(() => known.map(agentOf));
  const [touched, setTouched] = useState(false);
  const change = (next: Agent[]): void => {
    setAgents(next);
    setTouched(true);
  };
  const set = (index: number, part: Partial<Agent>): void => change(agents.map((agent, at) => (at === index ? { ...agent, ...part } : agent)));
  const after = async (made: Row): Promise<void> => {
    if (!touched) return;
    const path = `/hosts/${made.id}/fenceagents`;
    for (const gone of known.filter((one) => !agents.some((agent) => agent.id === one.id)))
      // oxlint-disable-next-line no-await-in-loop
      await remove(`${path}/${gone.id}`);
    for (const [index, agent] of agents.entries())
      // oxlint-disable-next-line no-await-in-loop
      await (agent.id ? put(`${path}/${agent.id}`, documentOfAgent(agent, index + 1)) : post(path, documentOfAgent(agent, index + 1)));
  };
  return (
    <FormDialog
      title={row ? "Edit Host" : "New Host"}
      row={row}
      path={row ? `/hosts/${row.id}` : "/hosts"}
      defaults={{ "cluster.id": params["parent"] ?? clusters?.[0]?.id ?? "", "~auth": "password", "ssh.port": "22", "spm.priority": "5", "~activate": "true", port: "54321" }}
      tabs={[
        {
          id: "general",
          label: "General",
          sections: [
            {
              fields: [
                {
                  path: "cluster.id",
                  label: "Host Cluster",
                  kind: "choice",
                  required: true,
                  choices: named(clusters),
                  fixed: (_, host) => (host && text(host, "status") !== "maintenance" ? "Only a host in Maintenance changes its cluster." : undefined),
                  says: /cluster/i,
                },
                { path: "name", label: "Name", kind: "text", required: true, limit: 255, says: /\bname\b/i },
                { path: "comment", label: "Comment", kind: "text" },
                { path: "address", label: "Hostname/IP", kind: "text", required: true, says: /address|reach|connect/i, fixed: (_, host) => (host && text(host, "status") !== "maintenance" ? "Only in Maintenance." : undefined) },
              ],
            },
            ...(row
              ? []
              : [
                  {
                    title: "Authentication",
                    fields: [
                      { path: "~auth", label: "Way", kind: "choice" as const, choices: [{ value: "password", label: "Password of root" }, { value: "publickey", label: "SSH Public Key of the engine" }] },
                      { path: "root_password", label: "Password", kind: "password" as const, when: (values: Record<string, string>) => values["~auth"] === "password", says: /password|authent/i },
                      { path: "ssh.port", label: "SSH Port", kind: "number" as const, least: 1, most: 65535 },
                      { path: "ssh.fingerprint", label: "Host fingerprint", kind: "mono" as const, help: "SHA256:... ; empty: the key that it shows first is kept.", advanced: true },
                      { path: "~activate", label: "Activate host after install", kind: "check" as const },
                    ],
                  },
                ]),
          ],
        },
        { id: "power", label: "Power Management", sections: [{ fields: [{ path: "power_management.enabled", label: "Enable Power Management", kind: "check", says: /power management|fence/i }, { path: "power_management.kdump_detection", label: "Kdump integration", kind: "check", when: (values) => values["power_management.enabled"] === "true" }] }] },
        { id: "spm", label: "SPM", sections: [{ fields: [{ path: "spm.priority", label: "SPM Priority", kind: "choice", choices: [{ value: "-1", label: "Never" }, { value: "2", label: "Low" }, { value: "5", label: "Normal" }, { value: "10", label: "High" }] }] }] },
        { id: "console", label: "Console", sections: [{ fields: [{ path: "display.address", label: "Override display address", kind: "text" }] }] },
        { id: "kernel", label: "Kernel", advanced: true, sections: [{ fields: [{ path: "os.custom_kernel_cmdline", label: "Kernel command line", kind: "mono" }] }] },
      ]}
      finish={(document, values) => {
        if (!row && values["~auth"] === "publickey") {
          delete document["root_password"];
          document["ssh"] = { ...(document["ssh"] as object), authentication_method: "publickey" };
        }
      }}
      send={row ? undefined : (document, values) => post<Row>(`/hosts?activate=${values["~activate"] === "false" ? "false" : "true"}`, document)}
      after={after}
      touched={touched}
      extra={{
        power: (
          <FormSection
            title="Agents by sequential order"
            tools={
              <button type="button" className="ov-button" onClick={() => change([...agents, { address: "", username: "", password: "", type: "ipmilan", options: "" }])}>
                <Icon name="plus" /> Add Fence Agent
              </button>
            }
          >
            {agents.length > 0 && (
              <table className="ov-form-list" aria-label="Fence agents">
                <thead>
                  <tr>
                    <th>Address</th>
                    <th>User Name</th>
                    <th>Password</th>
                    <th>Type</th>
                    <th>Options</th>
                    <th />
                  </tr>
                </thead>
                <tbody>
                  {agents.map((agent, index) => (
                    <tr key={agent.id ?? index}>
                      <td>
                        <input className="ov-input" aria-label="Address" value={agent.address} onChange={(event) => set(index, { address: event.target.value })} />
                      </td>
                      <td>
                        <input className="ov-input" aria-label="User Name" value={agent.username} onChange={(event) => set(index, { username: event.target.value })} />
                      </td>
                      <td>
                        <input className="ov-input" aria-label="Password" type="password" autoComplete="new-password" placeholder={agent.id ? "unchanged" : ""} value={agent.password} onChange={(event) => set(index, { password: event.target.value })} />
                      </td>
                      <td>
                        <select className="ov-input" aria-label="Type" value={agent.type} onChange={(event) => set(index, { type: event.target.value })}>
                          {FENCE_TYPES.map((type) => (
                            <option key={type}>{type}</option>
                          ))}
                        </select>
                      </td>
                      <td>
                        <input className="ov-input" aria-label="Options" placeholder="key=value,..." value={agent.options} onChange={(event) => set(index, { options: event.target.value })} />
                      </td>
                      <td className="end">
                        <button type="button" className="ov-button bare" aria-label={`Remove agent ${agent.address}`} onClick={() => change(agents.filter((one) => one !== agent))}>
                          <Icon name="close" />
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </FormSection>
        ),
      }}
      what={() => (row ? null : "A host that runs the agent already can also join by a token: ovis-agent join URL TOKEN.")}
      onClose={onClose}
    />
  );
}
