// Sign-on with an OpenID provider: the button, what may go wrong, and connecting one's account.
import { area } from "./area.ts";

export const signOn = area({
  use: (provider: string) => `Sign in with ${provider}`,
  away: (provider: string) => `${provider} cannot be reached at the moment. Sign in with your password.`,
  or: "or",
  title: "Sign-on with a provider",
  text: (provider: string) => `Connect your account with yours at ${provider}, and sign in with either.`,
  linked: (name: string) => `Connected with ${name}`,
  since: "since",
  used: "last used",
  connect: "Connect",
  separate: "Separate",
  separateTitle: "Separate your account from the provider's?",
  separateText: "You then sign in with your password only. You can connect them again.",
  separated: "Your account is separated from the provider's.",
  connected: "Your account is connected.",
  ofUser: {
    action: "Sign-on account",
    title: (name: string) => `Sign-on account of ${name}`,
    none: "Not connected with an account at the provider.",
    text: "When they are separated, the sessions that began with the provider end, and the provider's account opens this one no more.",
    noPassword: "There is no password here: make a new invitation afterwards, or nothing is left to sign in with.",
    separateTitle: (name: string) => `Separate ${name} from the provider's account?`,
    separated: (name: string) => `${name} is separated from the provider's account.`,
  },
  refused: {
    unavailable: "The provider cannot be reached. Sign in with your password, or try again later.",
    untrusted:
      "The provider's certificate is not trusted or not valid, so nothing was sent to it. Sign in with your password, and tell an administrator.",
    client_refused:
      "The provider does not accept this OpsConductor: its client id or secret is wrong. Sign in with your password, and tell an administrator.",
    denied: "You were not signed in at the provider.",
    expired: "This sign-in took too long or was begun in another window. Begin again.",
    invalid: "The provider's answer could not be believed. Begin again; if it goes on, tell an administrator.",
    unknown:
      "There is no account here for you yet. Ask an administrator; if you have a password here, sign in with it and connect your account in My settings.",
    name_taken: "There is a local account with your name. Sign in with its password and connect it in My settings.",
    name_unusable:
      "The provider gives you a name that no account here can have. Ask an administrator to make an account for you and connect it.",
    disabled: "Your account is not active. Ask an administrator.",
    no_role: "None of your groups may use OpsConductor. Ask an administrator.",
    role_missing:
      "The role that your groups have does not exist in OpsConductor, so nothing was done. Tell an administrator: the configuration names a role that is not there.",
    last_administrator:
      "Your groups would take the last administrator away. Sign in with your password and mend that first.",
    linked_elsewhere: "One of the two accounts is connected with another one already.",
    session_ended: "Your session here ended meanwhile. Sign in and connect your account again.",
  },
  refusedTitle: "The sign-in did not work",
  connectTitle: "Your account is not connected",
});
