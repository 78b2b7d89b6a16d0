// The console's own tests: pure modules and runes in Node; pages are tested in a real browser by e2e/.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  resolve: { conditions: ["browser"] },
  test: { name: "ui", include: ["src/**/*.test.ts"], environment: "node", testTimeout: 30_000 },
});
