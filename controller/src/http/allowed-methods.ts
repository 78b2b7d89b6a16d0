// Which methods a path answers, for 405 and its Allow header. Asked only after nothing matched.
import type { Router } from "./router.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Empty for a path that no route has; the console's catch-all does not count. */
export function allowedMethods(app: Router, path: string): string[] {
  return methods.filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method && route.path !== "/*"),
  );
}
