// One setting of the configuration, and the kinds that several have. Used by config.ts and the parts that it is made of.
import { z } from "zod";

/** `env` is the variable's name; a secret may also come from a file named by `<env>_FILE`. */
export interface Setting {
  env: string;
  secret?: boolean;
  description: string;
}
export const setting = <T extends z.ZodType>(schema: T, env: string, description: string, secret = false): T =>
  schema.meta({ env, secret, description } satisfies Setting) as T;

export const flag = z.enum(["0", "1", "true", "false"]).transform((v) => v === "1" || v === "true");
