/** Light or dark: the system's until the user chooses. */
import { options } from "../data/options";

const dark = matchMedia("(prefers-color-scheme: dark)");
export type Theme = "light" | "dark";
export const theme = (): Theme => options.get<Theme | "">("theme", "") || (dark.matches ? "dark" : "light");

export function applyTheme(): void {
  const now = theme();
  document.documentElement.dataset["theme"] = now;
  document.documentElement.classList.toggle("pf-v6-theme-dark", now === "dark");
}
export function toggleTheme(): void {
  options.set("theme", theme() === "dark" ? "light" : "dark");
}
dark.addEventListener("change", applyTheme);
options.subscribe(applyTheme);
