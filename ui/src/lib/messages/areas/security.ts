// Second factors: setting them up, signing in with them, losing them.
import { plural } from "../plural.ts";
import { area } from "./area.ts";

export const security = area({
  title: "Second factors",
  intro: "With a second factor, your password alone opens nothing.",
  app: {
    title: "Authenticator app",
    none: "Not set up.",
    since: "Set up",
    add: "Set up an app",
    remove: "Take away",
    removeTitle: "Take the authenticator app away?",
    removeText: "Its codes stop working. Without another factor your recovery codes stop working, too.",
    removed: "The authenticator app is taken away.",
    added: "The authenticator app is set up.",
  },
  setup: {
    title: "Set up an authenticator app",
    scan: "Scan this with an app for codes, on your phone or in your password manager.",
    qr: "QR code for the authenticator app",
    secret: "Key for typing",
    cannotScan: "Or type the key into the app:",
    code: "Code the app shows now",
    codeMissing: "Enter the six digits.",
    confirm: "Confirm",
  },
  recovery: {
    title: "Recovery codes",
    left: (count: number) => `${plural(count, { one: "code", other: "codes" })} left.`,
    renew: "Make new codes",
    renewTitle: "Make new recovery codes?",
    renewText: "You get ten new ones. Those you have stop working at once.",
    text: "Each of these works once, in place of a code of the app. Keep them where you find them without this device; they are not shown again.",
    label: "Recovery codes",
    download: "Download",
    fileName: "opsconductor-recovery-codes.txt",
    kept: "I have kept them",
  },
  login: {
    heading: "One more step",
    text: "Enter the code your authenticator app shows, or one of your recovery codes.",
    code: "Code",
    missing: "Enter a code.",
    submit: "Sign in",
    submitting: "Signing in…",
    again: "Use another account",
    expired: "That took too long. Sign in once more.",
  },
  required: {
    title: "Set up a second factor",
    text: "One of your roles asks for a second factor. Set one up, then go on.",
    done: "Your second factor is set up.",
  },
  reset: {
    action: "Reset second factors",
    title: (name: string) => `Reset the second factors of ${name}?`,
    text: "For somebody who lost them. Make sure it is really them who ask: afterwards the password alone is enough, until they set up a new factor. All their sessions end.",
    submit: "Reset",
    done: (name: string) => `${name} has no second factor any more.`,
  },
  byRole: {
    action: "Roles that need a second factor",
    title: "Roles that need a second factor",
    text: "Who has one of these roles and no second factor must set one up before anything else, from now on.",
    saved: (role: string, on: boolean) =>
      on ? `${role} needs a second factor now.` : `${role} needs no second factor.`,
  },
  has: "second factor",
});
