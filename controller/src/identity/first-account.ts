// A service of main.ts that only starts: the first account, made after everything else works, so that a start that
// fails does not swallow its password.
import { announcePassword } from "../announce.ts";
import type { Service } from "../service.ts";
import { administratorName, createAdministrator } from "./create-administrator.ts";

export const firstAccount: Service = {
  name: "first account",
  async start(ctx) {
    await createAdministrator(ctx, (password) => process.stdout.write(announcePassword(administratorName, password)));
    return { stop() {} };
  },
};
