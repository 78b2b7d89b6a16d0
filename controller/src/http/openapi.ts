// The OpenAPI 3.1 document of the REST API, from the routes themselves. Served by routes/docs.ts and checked in by
// `npm run gen`.
import { version } from "../version.ts";
import type { Router } from "./router.ts";

export function openApiDocument(app: Router) {
  if (!app.openAPIRegistry.definitions.some((d) => d.type === "component" && d.name === "accessToken"))
    app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", {
      type: "http",
      scheme: "bearer",
      bearerFormat: "JWT",
      description: "The accessToken that POST /api/v1/auth/login answers, or an API token (oct_…)",
    });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "OpsConductor",
      version,
      description: "Runs operations work on a fleet of hosts. Errors are problem+json (RFC 9457) with a `code`.",
      license: { name: "MIT" },
    },
    security: [{ accessToken: [] }],
  });
}
