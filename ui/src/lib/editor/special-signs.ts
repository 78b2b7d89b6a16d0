// In the editor and the comparison too, characters that reorder or hide text are signs: what is saved runs on hosts.
import type { Extension } from "@codemirror/state";
import { highlightSpecialChars } from "@codemirror/view";
import { actingEverywhere } from "@opsconductor/contract/acting-signs";
import { signOf } from "../text/reveal.ts";

export const specialSigns: Extension = highlightSpecialChars({
  specialChars: actingEverywhere,
  render: (code) => {
    const sign = document.createElement("span");
    sign.className = "cm-sign";
    sign.textContent = signOf(String.fromCodePoint(code));
    return sign;
  },
});
