// Where the thing is that an audit entry speaks of. Pure.
import { paths } from "../paths.ts";

const pages: Record<string, (id: string) => string> = {
  agent: (id) => paths.agent(id),
  target: (id) => paths.target(id),
  job: (id) => paths.job(id),
  execution: (id) => paths.execution(id),
};

/** Undefined when things of that kind have no page. */
export function objectPath(object: { kind: string; id: string | null } | null): string | undefined {
  return object?.id ? pages[object.kind]?.(object.id) : undefined;
}
