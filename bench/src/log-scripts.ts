// What the benchmark of the log viewer does inside the page, as text: this folder is typed for Node, not for browsers.

const nextFrame = "new Promise((resolve) => requestAnimationFrame(resolve))";
const box = 'document.querySelector("[role=log]")';

/** Milliseconds between 180 frames of scrolling. */
export const scrollScript = (kind: "slow" | "fast" | "random") => `(async () => {
  const box = ${box};
  box.scrollTop = 0;
  const frames = [];
  let last = await ${nextFrame};
  for (let i = 0; i < 180; i++) {
    if (${JSON.stringify(kind)} === "random") box.scrollTop = ((i * 0.618) % 1) * box.scrollHeight;
    else box.scrollTop += ${kind === "slow" ? 40 : 4000};
    const now = await ${nextFrame};
    frames.push(now - last);
    last = now;
  }
  return frames;
})()`;

export const toEndScript = `${box}.scrollTo(0, 1e9)`;
export const toStartScript = `${box}.scrollTo(0, 0)`;

/** Milliseconds between the frames of three seconds. */
export const framesScript = `(async () => {
  const frames = [];
  const start = await ${nextFrame};
  for (let last = start; last - start < 3000; ) {
    const now = await ${nextFrame};
    frames.push(now - last);
    last = now;
  }
  return frames;
})()`;

/** From the address that names a line to its painted row. */
export const jumpScript = (line: number) => `(async () => {
  const start = performance.now();
  location.hash = "#L${line}";
  for (;;) {
    const row = document.querySelector("[role=log] .row.selected:not(.missing)");
    if (row && document.querySelector('[role=log] .number[data-line="${line - 1}"]')) return performance.now() - start;
    await ${nextFrame};
  }
})()`;

/** From the last key of a search to its number of matches, the pause before the search included. */
export const searchScript = (needle: string) => `(async () => {
  const input = document.querySelector("[role=toolbar] [role=searchbox]");
  const status = document.querySelector("[role=toolbar] [role=status]");
  input.value = "";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  while (!/lines/.test(status.textContent)) await ${nextFrame};
  await new Promise((resolve) => setTimeout(resolve, 300));
  input.value = ${JSON.stringify(needle)};
  const start = performance.now();
  input.dispatchEvent(new Event("input", { bubbles: true }));
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve));
    if (/ of /.test(status.textContent)) return performance.now() - start;
  }
})()`;
