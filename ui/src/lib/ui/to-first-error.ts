// For what holds a form: `{@attach toFirstError}`. A form that was sent and refused, by itself or by the controller, takes
// its sender to the first field that is wrong, unless they have begun to type elsewhere meanwhile.

/** A field that says what is wrong with it, or a choice of several that does. */
const wrongField = "[aria-invalid=true], fieldset:has(> [role=alert]) input:is([type=checkbox], :checked):enabled";

export function toFirstError(box: HTMLElement): () => void {
  let sent = false;
  const look = () => {
    const wrong = sent ? box.querySelector<HTMLElement>(wrongField) : null;
    if (!wrong) return;
    sent = false;
    wrong.focus();
  };
  const onSubmit = () => {
    sent = true;
    // What the form itself finds is shown by then; the same field may have been wrong before.
    setTimeout(look);
  };
  const onInput = () => {
    sent = false;
  };
  box.addEventListener("submit", onSubmit, true);
  box.addEventListener("input", onInput);
  const marks = new MutationObserver(look);
  marks.observe(box, { subtree: true, childList: true, attributeFilter: ["aria-invalid"] });
  return () => {
    marks.disconnect();
    box.removeEventListener("submit", onSubmit, true);
    box.removeEventListener("input", onInput);
  };
}
