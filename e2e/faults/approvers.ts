// The two people who decide about the executions of the chaos run that wait for approval, as they would: each reads what
// would run and decides about exactly that, until an answer came. Called by submit-flows.ts.
import type { ApprovalDetail } from "@opsconductor/contract/api/approvals";
import { ApiError } from "../devstack/api.ts";
import { type FaultStack, faultsPassword } from "./fault-stack.ts";
import { approvers } from "./flow-plan.ts";
import type { ReliableApi } from "./reliable-api.ts";

export type Decision = "approve" | "reject";

export class Approvers {
  readonly #faults: FaultStack;
  readonly #apis: ReliableApi[];

  constructor(faults: FaultStack) {
    this.#faults = faults;
    this.#apis = approvers.map((name) => faults.apiOf(name));
  }

  async invite(): Promise<void> {
    for (const username of approvers) {
      const made = await this.#faults.api.call<{ link: { token: string } }>("POST", "/api/v1/users", {
        ...{ username, roles: ["manager"] },
      });
      const { token } = made.link;
      await this.#faults.api.call("POST", "/api/v1/auth/password-link", { token, newPassword: faultsPassword });
    }
  }

  /** So many of them approve, the last ones first, for rules that name one; or the last one rejects. */
  async decide(
    executionId: string,
    decision: Decision,
    { people, repeats }: { people: number; repeats: boolean },
  ): Promise<void> {
    for (const api of this.#apis.slice(-people)) await decide(api, executionId, decision, repeats);
  }

  /** Whoever asked tries as well. Returns the status of the answer; undefined: it was decided by then. */
  async decideOwn(executionId: string): Promise<number | undefined> {
    const { api } = this.#faults;
    const { contentSha256, outcome } = await read(api, executionId);
    if (outcome !== null) return undefined;
    return (await post(api, executionId, { decision: "approve", contentSha256 })).status;
  }
}

async function decide(api: ReliableApi, executionId: string, decision: Decision, repeats: boolean): Promise<void> {
  for (;;) {
    const { mayDecide, contentSha256 } = await read(api, executionId);
    if (!mayDecide) return; // decided, expired or cancelled meanwhile; perhaps by our own request that was not answered
    const answer = await post(api, executionId, { decision, contentSha256 });
    if (answer.status >= 500 || answer.status === 404) throw new ApiError("decide", answer);
    if (answer.status < 300 && repeats) await post(api, executionId, { decision, contentSha256 });
  }
}

const read = (api: ReliableApi, executionId: string) =>
  api.call<ApprovalDetail>("GET", `/api/v1/approvals/${executionId}`);
const post = (api: ReliableApi, executionId: string, body: object) =>
  api.answer("POST", `/api/v1/approvals/${executionId}/decide`, body);
