// Reads a JSON body before anything else does, so that what is wrong with it as JSON is told in words: empty, another
// encoding, a syntax error, a name that stands twice. Added to every route with such a body by router.ts.
import { OcError } from "@opsconductor/contract/errors";
import type { MiddlewareHandler } from "hono";
import { unstorablePath } from "../assets/storable-text.ts";
import { jsonShapeProblem } from "./json-shape.ts";
import type { HttpEnv } from "./router.ts";

const jsonType = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/** `required`: false lets an empty body pass for an empty object. */
export function readJsonBody(required: boolean): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    refuseEncoded(c.req.header("content-encoding"));
    if (!jsonType.test(c.req.header("content-type") ?? "")) return next();
    const text = decode(await c.req.arrayBuffer());
    if (text.trim() !== "") check(text);
    else if (required) throw new OcError("invalid_argument", "The body is empty: send a JSON object.");
    // What the validators behind us read; a promise, whatever the type of Hono's cache says.
    c.req.bodyCache.text = Promise.resolve(text.trim() === "" ? "{}" : text) as unknown as string;
    return next();
  };
}

function refuseEncoded(encoding: string | undefined): void {
  if (encoding === undefined || encoding.toLowerCase() === "identity") return;
  throw new OcError(
    "unsupported_media_type",
    `The body has Content-Encoding ${encoding.slice(0, 40)}; send it as it is, without compression.`,
  );
}

/** RFC 8259, 8.1: JSON between programs is UTF-8, whatever charset a header claims. */
function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new OcError("invalid_argument", "The body is not valid UTF-8, which JSON must be.", { cause });
  }
}

function check(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const why = (cause as Error).message.replace(/ is not valid JSON$/, "");
    throw new OcError("invalid_argument", `The body is not valid JSON: ${why}.`, { cause });
  }
  const problem = jsonShapeProblem(text) ?? unstorable(value);
  if (!problem) return;
  const { path, message } = problem;
  throw new OcError("invalid_argument", `${path || "The body"} ${message}.`, { errors: [{ path, message }] });
}

function unstorable(value: unknown): { path: string; message: string } | undefined {
  const path = unstorablePath(value);
  return path === undefined
    ? undefined
    : { path, message: "has a NUL character or half of a surrogate pair; remove it" };
}
