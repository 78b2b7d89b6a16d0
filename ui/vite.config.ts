// Builds the console to static files in ui/build, which the controller serves on its own origin; `vite dev` proxies
// the API to a running controller (OC_DEV_CONTROLLER).
import adapter from "@sveltejs/adapter-static";
import { sveltekit } from "@sveltejs/kit/vite";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

const controller = process.env.OC_DEV_CONTROLLER ?? "http://127.0.0.1:3000";
const proxied = ["/api", "/health", "/docs", "/redoc", "/openapi.json", "/install.sh", "/packages"];

/** Of lib/ui, but what only dialogs and single pages show: the first load does without. */
const shared =
  /\/ui\/src\/lib\/(?!ui\/(labels-editor|label-rows|facts-table|flatten-facts|to-first-error)\.)(ui|shell|api|messages(?!\/areas)|format|url|live|executions|paths)|node_modules\/(@lucide|@tanstack|esm-env)/;
const overlay =
  /node_modules\/(bits-ui|svelte-toolbelt|runed|@floating-ui|tabbable|inline-style-parser|style-to-object)/;

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
    rolldownOptions: {
      output: {
        // One chunk for what pages share, instead of a hundred small ones: a cold visit is bound by round trips.
        // The lazy islands (editor, graph) stay out of the groups.
        codeSplitting: {
          groups: [
            // Kit's start sets the payload before anything else of Kit is evaluated. A group that draws it in turns that
            // around: the version is read too early, and every error page reloads itself for ever.
            { name: "payload", test: /runtime\/client\/payload\.js/, priority: 100 },
            { name: "preload", test: /vite\/preload-helper/, priority: 100 },
            { name: "base", test: shared, minShareCount: 2 },
            { name: "overlay", test: overlay, minShareCount: 2 },
          ],
        },
      },
    },
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
