/** Options: how the web admin looks and listens to this user; each counts at once and everywhere the user signs in. */
import type { ReactElement } from "react";
import { useOption } from "../data/options";
import { FieldRow, FormSection } from "../forms/Field";
import { Dialog } from "../ui/Dialog";
import { openDialog, type DialogProps } from "./registry";

export default function Options({ onClose }: DialogProps): ReactElement {
  const [theme, setTheme] = useOption<string>("theme", "");
  const [roomy, setRoomy] = useOption<boolean>("comfortable", false);
  const [advanced, setAdvanced] = useOption<boolean>("forms.advanced", false);
  const [off, setOff] = useOption<boolean>("keys.off", false);
  return (
    <Dialog
      title="Options"
      width={560}
      onClose={onClose}
      what="Kept for you on the server."
      buttons={
        <button type="button" className="ov-button primary" onClick={onClose}>
          Done
        </button>
      }
    >
      <div className="ov-form">
        <FieldRow
          field={{ path: "theme", label: "Theme", kind: "choice", none: "As the system", choices: [{ value: "light", label: "Light" }, { value: "dark", label: "Dark" }] }}
          values={{ theme }}
          onChange={(_, value) => setTheme(value)}
        />
        <FieldRow
          field={{ path: "density", label: "Rows of lists", kind: "choice", choices: [{ value: "compact", label: "Compact" }, { value: "comfortable", label: "Comfortable" }] }}
          values={{ density: roomy ? "comfortable" : "compact" }}
          onChange={(_, value) => setRoomy(value === "comfortable")}
        />
        <FieldRow field={{ path: "advanced", label: "Dialogs show advanced fields", kind: "check" }} values={{ advanced: String(advanced) }} onChange={(_, value) => setAdvanced(value === "true")} />
        <FormSection
          title="Keyboard"
          tools={
            <button type="button" className="ov-link" onClick={() => openDialog("keyboard", undefined)}>
              All keys
            </button>
          }
        >
          <FieldRow field={{ path: "off", label: "Single keys do nothing", kind: "check", help: "For voice control, or where they get in the way." }} values={{ off: String(off) }} onChange={(_, value) => setOff(value === "true")} />
        </FormSection>
      </div>
    </Dialog>
  );
}
