import { text } from "../api/client";
import type { StateOf } from "../ui/StateIcon";

/** An event's severity as a sign. */
export function severity(event: unknown): StateOf {
  switch (text(event, "severity")) {
    case "alert":
      return { shape: "bad", tone: "red", word: "Alert" };
    case "error":
      return { shape: "bad", tone: "red", word: "Error" };
    case "warning":
      return { shape: "warning", tone: "amber", word: "Warning" };
    default:
      return { shape: "info", tone: "grey", word: "Normal" };
  }
}
