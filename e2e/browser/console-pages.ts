// Every page of the console with an address that shows something, from the folders of its routes, and a quick walk from one
// to the next as somebody. Called by rights.browser.test.ts.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { repositoryRoot } from "../devstack/devstack.ts";
import { waitFor } from "../devstack/wait-for.ts";

/** What the addresses of pages about one thing name. */
export interface Things {
  job: string;
  agent: string;
  target: string;
  execution: string;
  earlier: string;
  approval: string;
}

/** Of pages whose route names something. A route that is not here is a page that nobody goes to: the test says so. */
const addresses: Record<string, (things: Things) => string> = {
  "jobs/[job]": ({ job }) => `jobs/${job}`,
  "jobs/[job]/edit": ({ job }) => `jobs/${job}/edit`,
  "agents/[id]": ({ agent }) => `agents/${agent}`,
  "targets/[id]": ({ target }) => `targets/${target}`,
  "executions/[id]": ({ execution }) => `executions/${execution}`,
  "executions/compare": ({ execution, earlier }) => `executions/compare?a=${earlier}&b=${execution}`,
  "approvals/[id]": ({ approval }) => `approvals/${approval}`,
  "[...path]": () => "no/such/page",
};

export function pagesOfConsole(things: Things): string[] {
  const folder = join(repositoryRoot, "ui/src/routes/(app)");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const routes = files
    .filter((file) => file.endsWith("+page.svelte"))
    .map((file) => file.replace(/\/?\+page.svelte$/, ""));
  return routes.sort().map((route) => {
    const address = addresses[route]?.(things) ?? route;
    if (address.includes("["))
      throw new Error(`Which address shows the page ${route}? Say it in ${import.meta.filename}.`);
    return `/${address}`;
  });
}

export interface Shown {
  /** Where it ended: the overview leads on who may not see it. */
  address: string;
  heading: string;
  /** The page says that something is missing, and says this. */
  forbidden: string | undefined;
  /** What the page says went wrong. */
  alerts: string[];
  /** Answers to its requests that refused, by what was asked. */
  refused: string[];
  /** Of the page, without the frame around it: what may be pressed now. */
  buttons: string[];
  /** What may not, and the reason. */
  disabled: string[];
}

/** Goes there as a click on a link does, without loading the program again. */
export class Walk {
  readonly page: Page;
  private readonly open = new Set<unknown>();
  private refused: string[] = [];

  constructor(page: Page) {
    this.page = page;
    const isApi = (url: string) => url.includes("/api/") && !url.includes("/events");
    page.on("request", (request) => isApi(request.url()) && this.open.add(request));
    page.on("requestfinished", (request) => this.open.delete(request));
    page.on("requestfailed", (request) => this.open.delete(request));
    page.on("response", (answer) => {
      if (isApi(answer.url()) && answer.status() >= 400)
        this.refused.push(`${answer.status()} ${answer.request().method()} ${new URL(answer.url()).pathname}`);
    });
  }

  async to(address: string): Promise<Shown> {
    this.refused = [];
    const before = new URL(this.page.url()).pathname;
    await this.page.evaluate((href) => {
      const link = document.body.appendChild(Object.assign(document.createElement("a"), { href }));
      link.click();
      link.remove();
    }, address);
    // Whoever may not see the overview is led on from it.
    const wanted = new URL(address, this.page.url()).pathname;
    await this.page.waitForURL(({ pathname }) => pathname === wanted || (wanted === "/" && pathname !== before));
    await this.settled(address);
    return {
      address: new URL(this.page.url()).pathname,
      ...(await this.page.evaluate(readPage)),
      refused: this.refused,
    };
  }

  /** Nothing is asked, nothing loads, and it stays so for two frames. */
  private async settled(address: string): Promise<void> {
    let quiet = 0;
    await waitFor(`${address} to be settled`, async () => {
      const isQuiet = await this.page.evaluate(async () => {
        await new Promise((next) => requestAnimationFrame(next));
        return document.querySelector("main h1") !== null && document.querySelector("[aria-busy=true]") === null;
      });
      quiet = isQuiet && this.open.size === 0 ? quiet + 1 : 0;
      return quiet >= 3;
    });
  }
}

/** In the page. */
function readPage(): Omit<Shown, "address" | "refused"> {
  const text = (element: Element | null) =>
    (element as HTMLElement | null)?.innerText.replace(/\s+/g, " ").trim() ?? "";
  const main = document.querySelector("main")!;
  const heading = text(main.querySelector("h1"));
  const pressable = [...main.querySelectorAll<HTMLElement>("button, a[role=button], a.min-h-7, [role=switch]")];
  const visible = pressable.filter((element) => element.checkVisibility());
  const nameOf = (element: HTMLElement) => element.getAttribute("aria-label") ?? text(element);
  const isOff = (element: HTMLElement) => element.matches(":disabled, [aria-disabled=true]");
  const reason = (element: HTMLElement) => {
    const id = element.getAttribute("aria-describedby");
    return element.title || (id ? text(document.getElementById(id)) : "");
  };
  return {
    heading,
    forbidden: heading.includes("not allowed") ? text(main) : undefined,
    alerts: [...main.querySelectorAll("[role=alert]")].map(text),
    buttons: visible.filter((element) => !isOff(element)).map(nameOf),
    disabled: visible.filter(isOff).map((element) => `${nameOf(element)}: ${reason(element)}`),
  };
}
