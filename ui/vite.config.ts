// Builds the console to static files in ui/build, which the controller serves on its own origin; `vite dev` proxies
// the API to a running controller (OC_DEV_CONTROLLER).
import adapter from "@sveltejs/adapter-static";
import { sveltekit } from "@sveltejs/kit/vite";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

const controller = process.env.OC_DEV_CONTROLLER ?? "http://127.0.0.1:3000";
const proxied = ["/api", "/health", "/docs", "/redoc", "/openapi.json", "/install.sh", "/packages"];

export default defineConfig({
  plugins: [
    tailwindcss(),
    sveltekit({
      compilerOptions: { runes: ({ filename }) => (filename.includes("node_modules") ? undefined : true) },
      adapter: adapter({ fallback: "index.html", precompress: true }),
      version: { pollInterval: 60_000 },
    }),
  ],
  build: {
    target: "es2022",
    // A font inlined as data: would break `font-src 'self'`.
    assetsInlineLimit: (file: string) => (/\.woff2?$/.test(file) ? false : undefined),
  },
  server: {
    proxy: Object.fromEntries(
      proxied.map((path) => [path, { target: controller, changeOrigin: false, secure: false }]),
    ),
  },
});
