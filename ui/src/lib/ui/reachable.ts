// For boxes that scroll: `{@attach reachable}`. Who has no mouse scrolls by what can be focused inside; where there is
// nothing such and the box overflows, it takes the focus itself. Both change while a page loads, empties or is resized.

const focusable = "a[href],button:enabled,input:enabled,select,textarea,summary,[tabindex='0']";

export function reachable(box: HTMLElement): () => void {
  let asked = 0;
  const usual = box.getAttribute("tabindex");
  const look = () => {
    asked = 0;
    const overflows = box.scrollHeight > box.clientHeight || box.scrollWidth > box.clientWidth;
    const wanted = overflows && !box.querySelector(focusable) ? "0" : usual;
    if (wanted === box.getAttribute("tabindex")) return;
    if (wanted !== null) box.setAttribute("tabindex", wanted);
    else if (box !== document.activeElement) box.removeAttribute("tabindex");
  };
  // Once a frame, however many changes there are; a hidden page has no frames and nobody scrolls there.
  const later = () => {
    asked ||= requestAnimationFrame(look);
  };
  look();
  const size = new ResizeObserver(later);
  size.observe(box);
  const content = new MutationObserver(later);
  const attributeFilter = ["class", "disabled", "open", "hidden"];
  content.observe(box, { childList: true, subtree: true, characterData: true, attributeFilter });
  return () => {
    cancelAnimationFrame(asked);
    size.disconnect();
    content.disconnect();
  };
}
