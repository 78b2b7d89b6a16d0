// npm run bench -- console-log: the log viewer in a real Chromium before 100,000 lines: frames while scrolling and
// while lines stream in, jumps, search, memory. Ends with 1 when a bar is missed.
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { repositoryRoot } from "../../e2e/devstack/devstack.ts";
import { type Figure, percentile, print } from "./figures.ts";
import { framesScript, jumpScript, scrollScript, searchScript, toEndScript, toStartScript } from "./log-scripts.ts";
import { type LogServer, startLogServer } from "./log-server.ts";

const lines = 100_000;
/** What console.md promises; milliseconds and MiB. */
const bars = { frame: 25, jump: 100, search: 100, heap: 60 };
/** The viewer waits this long after the last key before it searches. */
const debounceMs = 120;

export async function benchConsoleLog(): Promise<void> {
  const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
  try {
    const empty = await heapOf(browser, 1000);
    const server = await startLogServer(join(repositoryRoot, "ui/build"), lines);
    const page = await open(browser, server, lines);
    const heap = (await usedHeap(page)) - empty;
    const floor = await browser.newPage();
    const figures: Figure[] = [
      {
        name: "frame p95, empty page (floor)",
        value: percentile(await floor.evaluate<number[]>(framesScript), 0.95),
        unit: "ms",
        note: "what this machine does with nothing to paint",
      },
    ];
    await floor.close();
    for (const kind of ["slow", "fast", "random"] as const)
      figures.push(
        bar(
          `frame p95, ${kind} scroll`,
          percentile(await page.evaluate<number[]>(scrollScript(kind)), 0.95),
          "ms",
          bars.frame,
        ),
      );
    figures.push(bar("frame p95, streaming", percentile(await streamFrames(page, server), 0.95), "ms", bars.frame));
    const jumps: number[] = [];
    for (let i = 0; i < 20; i++)
      jumps.push(await page.evaluate<number>(jumpScript(1 + Math.floor((lines - 1) * ((i * 0.618) % 1)))));
    figures.push(bar("jump to a line, slowest of 20", Math.max(...jumps), "ms", bars.jump));
    figures.push(
      bar("search, first", (await page.evaluate<number>(searchScript("lib2481"))) - debounceMs, "ms", bars.search),
    );
    figures.push(
      bar("search, next", (await page.evaluate<number>(searchScript("ERROR"))) - debounceMs, "ms", bars.search),
    );
    figures.push(bar("heap for the lines", heap, "MiB", bars.heap));
    print("console-log", `the log viewer before ${lines.toLocaleString("en")} lines`, figures);
    if (figures.some((figure) => figure.note?.startsWith("OVER"))) process.exitCode = 1;
    await page.close();
    await server.stop();
  } finally {
    await browser.close();
  }
}

function bar(name: string, value: number, unit: "ms" | "MiB", most: number): Figure {
  return { name, value, unit, note: `${value > most ? "OVER" : "of"} ${most} ${unit}` };
}

/** Opens the live page and waits until all lines are there. */
async function open(browser: Browser, server: LogServer, count: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(server.url + server.path);
  await page.getByText(`${count.toLocaleString("en")} lines`, { exact: true }).waitFor();
  // The rest is loaded behind what is seen.
  await page.locator(`[role=log][data-loaded="${count}"]`).waitFor();
  await page.evaluate(toStartScript);
  return page;
}

async function heapOf(browser: Browser, count: number): Promise<number> {
  const server = await startLogServer(join(repositoryRoot, "ui/build"), count);
  const page = await open(browser, server, count);
  const heap = await usedHeap(page);
  await page.close();
  await server.stop();
  return heap;
}

async function usedHeap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 1024 ** 2;
}

/** Frames of three seconds at the followed end, while 1,000 lines a second come. */
async function streamFrames(page: Page, server: LogServer): Promise<number[]> {
  await page.evaluate(toEndScript);
  const timer = setInterval(() => server.append(50), 50);
  try {
    return await page.evaluate<number[]>(framesScript);
  } finally {
    clearInterval(timer);
  }
}
