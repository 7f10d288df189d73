/** Files that the user takes away. */
import { post } from "../api/client";

export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const idOf = (protocol: string): string => [...protocol].map((letter) => letter.charCodeAt(0).toString(16)).join("");

/** The file that virt-viewer opens, with a fresh password. */
export async function saveViewerFile(vm: string, name: string, graphics: string[]): Promise<void> {
  const protocol = graphics.includes("spice") ? "spice" : "vnc";
  const answer = await post<{ remote_viewer_connection_file?: string }>(`/vms/${vm}/graphicsconsoles/${idOf(protocol)}/remoteviewerconnectionfile`);
  saveBlob(new Blob([answer.remote_viewer_connection_file ?? ""], { type: "application/x-virt-viewer" }), `${name}.vv`);
}
