// The OpenAPI document without a running controller, for `npm run gen`: building routes touches nothing but the
// configuration and the metrics registry.
import { Registry } from "prom-client";
import { loadConfig } from "../config.ts";
import type { Context } from "../context.ts";
import { createApp } from "./app.ts";
import { openApiDocument } from "./openapi.ts";

export function describeApi() {
  const parts: Partial<Context> = { config: loadConfig({}), metrics: new Registry(), health: new Map() };
  return openApiDocument(createApp(parts as Context));
}
