// A person's own account: profile, preferences, and the history of sign-ins.
import * as z from "zod";
import { id, instant, lineText } from "./common.ts";

export const profilePatch = z
  .strictObject({
    displayName: lineText(128),
    email: z.email().max(254).nullable(),
    phone: lineText(64),
    jobTitle: lineText(128),
  })
  .partial();

/** Dates can really be written by it; BCP 47 knows tags that no language stands behind. */
function isLanguage(tag: string): boolean {
  if (tag === "standard" || tag === "browser") return true;
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

/** No offsets: what is written +02:00 is wrong for half of the year, and older browsers cannot read it. */
function isZone(name: string): boolean {
  if (name === "local") return true;
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** Of the console, for every browser the person uses. What is not set is the console's default. */
export const preferences = z
  .strictObject({
    theme: z.enum(["system", "light", "dark"]),
    density: z.enum(["compact", "normal", "comfortable"]),
    times: z.enum(["relative", "absolute"]),
    zone: z
      .string()
      .max(64)
      .refine(isZone, "must be local, utc, or a time zone such as Europe/Vienna")
      .describe("in which times are shown: local (the browser's), utc, or a name of the IANA time zone database"),
    shortcuts: z.boolean(),
    navCollapsed: z.boolean(),
    locale: z.enum(["en", "en-XA"]).describe("of the texts; en-XA is English made unmistakable, for tests"),
    language: z
      .string()
      .max(35)
      .refine(isLanguage, "must be standard, browser, or a language such as de-AT")
      .describe("by whose habits dates, times, numbers and order are written: standard, browser, or a BCP 47 tag"),
    clock: z.enum(["language", "12", "24"]).describe("hours of a day as the language has them, or 12 or 24 always"),
    tellExecutions: z.enum(["all", "failures", "never"]).describe("which ends of executions that the person started"),
    tellApprovals: z.boolean().describe("when an execution waits for an approval that the person may give"),
    tellSignIns: z
      .enum(["all", "new", "never"])
      .describe("when somebody signs in to the account; new: from an address and browser that no session had before"),
    tellAgents: z.boolean().describe("when an agent that the person may see goes offline"),
    tellDesktop: z
      .boolean()
      .describe("also on the desktop, in browsers that allow it, while no page of the console is in front"),
  })
  .partial();
export type Preferences = z.infer<typeof preferences>;

export const signInEntry = z.object({
  id,
  at: instant,
  action: z.enum([
    "user.signed_in",
    "user.sign_in_refused",
    "user.stepped_up",
    "user.step_up_refused",
    "user.signed_out",
  ]),
  outcome: z.enum(["ok", "refused"]),
  why: z.string().nullable().describe("of a refusal: wrong_password, wrong_code, codes_blocked, disabled …"),
  methods: z.array(z.string()).describe("what was proven: password, totp, recovery, passkey …"),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
});
export type SignInEntry = z.infer<typeof signInEntry>;

export const signInQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(20),
  cursor: z.string().max(512).optional(),
});
