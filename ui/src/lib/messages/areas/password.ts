// Choosing a password.
import { area } from "./area.ts";

export const password = area({
  current: "Current password",
  new: "New password",
  newHint: "At least 12 characters, without your user name. A sentence is easier to remember than a puzzle.",
  repeat: "New password again",
  tooShort: (missing: number) => `${missing} more ${missing === 1 ? "character" : "characters"} needed.`,
  mismatch: "The two passwords differ.",
  missing: "Enter your current password.",
  wrong: "This is not your current password.",
  same: "The new password must differ from the current one.",
  strength: ["Very weak", "Weak", "Fair", "Good", "Strong"],
  strengthLabel: "Strength",
  change: "Change password",
  changing: "Changing…",
  changed: "Your password is changed.",
});
