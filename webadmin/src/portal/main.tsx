import { StrictMode, type ComponentType } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { session } from "../api/session";
import { queries } from "../data/queries";
import { parseAddress } from "../router";
import { applyTheme } from "../shell/theme";
import { Portal } from "./Portal";
import "../styles/fonts.css";
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/table.css";
import "../styles/frame.css";
import "./portal.css";

applyTheme();
void session.find();
const root = createRoot(document.getElementById("root") as HTMLElement);
const draw = (Found: ComponentType): void =>
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Found />
      </QueryClientProvider>
    </StrictMode>,
  );
if (parseAddress(location.hash).place === "console") void import("../console/window").then(({ default: Found }) => draw(Found));
else draw(Portal);
