import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Addresses are relative: the engine, or a proxy before it, decides where the pages are.
// Each page is an entry: the web admin, and (portal.html) the VM portal.
const pages = ["index.html", "portal.html"];

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "dist",
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      input: pages,
      output: {
        // Both pages share most of their code: few files, since each costs a round trip, and none of what is opened later.
        codeSplitting: {
          groups: [
            { name: "vendor", test: /node_modules\/(react|react-dom|scheduler|@tanstack)\// },
            { name: "base", test: /src\/(api|data|live|ui|plugins|router)(?!.*(patternfly|\.test))/, minShareCount: 2 },
          ],
        },
      },
    },
  },
});
