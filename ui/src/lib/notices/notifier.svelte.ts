// Tells the person, wherever in the console they are, what they wanted to be told: by the live stream, once over all tabs,
// and not about the page in front of them. Started by notifier.svelte.
import Bell from "@lucide/svelte/icons/bell";
import { goto } from "$app/navigation";
import { getApproval, listApprovals } from "../api/approvals.ts";
import { session } from "../api/session.svelte.ts";
import type { LiveEvent } from "../api/types.ts";
import { listSessions } from "../api/users.ts";
import { liveStream } from "../live/live-stream.svelte.ts";
import { notices as words } from "../messages/areas/notices.ts";
import { preferences } from "../shell/preferences.svelte.ts";
import { toasts } from "../ui/toasts.svelte.ts";
import { desktop } from "./desktop.svelte.ts";
import {
  gathered,
  isAbout,
  type Notice,
  noticeOfAgent,
  noticeOfApproval,
  noticeOfExecution,
  noticeOfSession,
} from "./notice.ts";
import { takeNotice } from "./told.ts";

/** Who waits shorter tells: the page about it (in silence), the page in front, another that is seen, the desktop. */
const patienceMs = { about: 0, focused: 300, seen: 600, desktop: 1500 };
/** What comes together is told together. */
const gatherMs = 700;
const maxWaiting = 50;

class Notifier {
  #ready: Notice[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** For when this tab is looked at again. */
  #waiting: Notice[] = [];
  /** Approvals that somebody with rights within a scope was told of; for them events carry no ids. */
  #known: Set<string> | undefined;

  topics(): string[] {
    const { tellExecutions, tellSignIns, tellApprovals, tellAgents } = preferences.values;
    return [
      ...(tellExecutions !== "never" || tellSignIns !== "never" ? ["me"] : []),
      ...(tellApprovals && session.can("approvals:decide") && session.can("executions:read") ? ["approvals"] : []),
      ...(tellAgents && session.can("agents:read") ? ["agents"] : []),
    ];
  }

  /** Approvals that wait already are no news. */
  async begin(): Promise<void> {
    if (!this.topics().includes("approvals") || session.can("executions:read", "everywhere")) return;
    this.#known = new Set(await waitingApprovals());
  }

  async take(event: LiveEvent): Promise<void> {
    const { tellExecutions, tellSignIns } = preferences.values;
    if (event.kind === "execution" && event.topic === "me")
      this.#offer(noticeOfExecution(event.execution, tellExecutions));
    else if (event.kind === "agent") this.#offer(noticeOfAgent(event.agent, Date.now()));
    else if (event.kind === "changed" && event.topic === "approvals") await this.#lookAtApprovals(event.ids);
    else if (event.kind === "session") {
      const notice = noticeOfSession(event, tellSignIns);
      if (notice && !(await isThisSession(event.sessionId))) this.#offer(notice);
    }
  }

  async #lookAtApprovals(ids: readonly string[]): Promise<void> {
    let asked = ids;
    if (ids.length === 0) {
      const waiting = await waitingApprovals();
      const known = this.#known ?? new Set();
      this.#known = new Set(waiting);
      asked = waiting.filter((id) => !known.has(id));
    }
    for (const id of asked) {
      const approval = await getApproval(id);
      // Who asked for it knows.
      if (approval.execution.requestedByName !== session.user?.username) this.#offer(noticeOfApproval(approval));
    }
  }

  #offer(notice: Notice | undefined): void {
    if (!notice) return;
    const seen = document.visibilityState === "visible";
    if (seen && isAbout(notice, location.pathname)) this.#after(patienceMs.about, notice, () => undefined);
    else if (seen)
      this.#after(document.hasFocus() ? patienceMs.focused : patienceMs.seen, notice, () => this.#gather(notice));
    else if (preferences.values.tellDesktop && desktop.look() === "allowed")
      this.#after(patienceMs.desktop, notice, () => this.#gather(notice));
    else this.#waiting = [...this.#waiting, notice].slice(-maxWaiting);
  }

  #after(waitMs: number, notice: Notice, tell: () => void): void {
    setTimeout(() => void takeNotice(notice.key).then((mine) => mine && tell()), waitMs);
  }

  #gather(notice: Notice): void {
    this.#ready.push(notice);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const one of gathered(this.#ready.splice(0))) this.#tell(one);
    }, gatherMs);
  }

  #tell(notice: Notice): void {
    const open = () => void goto(notice.href);
    if (document.visibilityState !== "visible" && desktop.show(notice, open)) return;
    toasts.add(
      "notice",
      notice.title,
      notice.text || undefined,
      { label: words.open, run: open },
      { icon: Bell, tone: notice.tone },
    );
  }

  /** Somebody looks at this tab now. */
  shown(): void {
    if (document.visibilityState === "visible") for (const notice of this.#waiting.splice(0)) this.#offer(notice);
  }
}

const waitingApprovals = async () =>
  (await listApprovals({ state: "waiting" })).items.map(({ execution }) => execution.id);

const isThisSession = async (id: string) =>
  (await listSessions(undefined)).items.some((one) => one.id === id && one.current);

/** Until the returned function is called. */
export function startNotifier(): () => void {
  const notifier = new Notifier();
  const ignore = (error: unknown) => console.debug("nothing is told of an event", error);
  const shown = () => notifier.shown();
  document.addEventListener("visibilitychange", shown);
  void notifier.begin().catch(ignore);
  const end = $effect.root(() => {
    const wanted = $derived(notifier.topics().join(","));
    $effect(() => {
      if (wanted === "") return;
      return liveStream.subscribe(wanted.split(","), { onEvent: (event) => void notifier.take(event).catch(ignore) });
    });
  });
  return () => {
    end();
    document.removeEventListener("visibilitychange", shown);
  };
}
