// Error codes of the contract (and our own `offline`) as words: what happened and what to do.

export const problems: Record<string, { title: string; text: string }> = {
  invalid_argument: { title: "Something in the request is not valid", text: "Check the marked fields and try again." },
  unauthenticated: { title: "Your session has ended", text: "Sign in again to go on." },
  permission_denied: {
    title: "You are not allowed to do this",
    text: "Ask an administrator for the missing permission.",
  },
  password_change_required: {
    title: "Choose your own password first",
    text: "The password you used was made by the controller. Replace it, then go on.",
  },
  reauthentication_required: {
    title: "A fresh proof is needed",
    text: "Try again and prove that it is you.",
  },
  second_factor_required: {
    title: "The second factor is missing",
    text: "Enter the code of your authenticator app.",
  },
  second_factor_setup_required: {
    title: "Set up a second factor first",
    text: "One of your roles asks for one. Set it up, then go on.",
  },
  not_found: { title: "Not found", text: "It may have been deleted, or the address is wrong." },
  method_not_allowed: {
    title: "The controller does not offer this",
    text: "Reload the page; the console may be older than the controller.",
  },
  conflict: {
    title: "This collides with something that exists",
    text: "Choose another name, or change the other one.",
  },
  failed_precondition: {
    title: "Not possible in the present state",
    text: "Look at the present state and try again.",
  },
  version_mismatch: {
    title: "Somebody else changed this meanwhile",
    text: "Reload to see the new state, then make your change again.",
  },
  payload_too_large: { title: "Too large", text: "Make it smaller and try again." },
  unsupported_media_type: {
    title: "The controller does not understand this format",
    text: "Reload the page and try again.",
  },
  unprocessable: { title: "The controller could not use this", text: "Check the marked fields and try again." },
  rate_limited: { title: "Too many tries", text: "Wait a moment, then try again." },
  internal: {
    title: "Something went wrong in the controller",
    text: "Try again. If it stays, look at the controller's log with the request id.",
  },
  unavailable: { title: "The controller is not ready", text: "It may be starting. Try again in a few seconds." },
  outcome_unknown: {
    title: "Nobody knows whether it was done",
    text: "The answer was lost on its way. Look whether it happened before you try again.",
  },
  offline: { title: "The controller does not answer", text: "Check that it runs and that this computer reaches it." },
  unknown: { title: "Something went wrong", text: "Reload the page and try again." },
};

export const problemNote = {
  requestId: (id: string) => `Request id ${id}`,
};
