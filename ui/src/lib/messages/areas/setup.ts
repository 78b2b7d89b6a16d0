// The first sign-in.
import { area } from "./area.ts";

export const setup = area({
  title: "First sign-in",
  heading: "Choose your own password",
  text: "The password you used was made by the controller, and it was printed. Replace it before anything else.",
  checks: "About this connection",
  secureOk: "This page came over a secure connection",
  secureOkText: "Passwords and tokens are protected on their way.",
  localOk: "This page came from this computer",
  localOkText: "Nothing leaves the machine, so a plain connection is fine.",
  insecure: "This connection is not secure",
  insecureText:
    "Others on the network can read your password. Give the controller a certificate (OC_TLS_CERT_FILE) or reach it by https.",
  mismatch: "Hosts will be told another address",
  mismatchText: (told: string, here: string) =>
    `You opened ${here}, but hosts are told ${told}. Set OC_PUBLIC_URL if hosts cannot reach that address.`,
  almost: "One thing before you go on",
  goOn: "Go to the console",
  submit: "Set password and go on",
  submitting: "Setting password…",
  done: "Your password is set.",
});
