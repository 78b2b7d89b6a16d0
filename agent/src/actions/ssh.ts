// `uses: ssh`: a command on a machine that has no agent.
import type { ActionParameters } from "@opsconductor/contract/job/actions/action-catalogue";
import { parseDuration } from "@opsconductor/contract/job/duration";
import type { Client } from "ssh2";
import { type Action, type ActionContext, type ActionEnd, ActionFailed } from "./action.ts";
import { withSsh } from "./support/ssh-connection.ts";
import { StreamText } from "./support/stream-text.ts";

type Parameters = ActionParameters<"ssh">;

interface End {
  code: number;
  stdout: string;
}

export const ssh: Action<Parameters> = async (parameters, context) => {
  const what = `run ${parameters.command.split("\n")[0]!.slice(0, 80)} on ${parameters.host}`;
  if (parameters.changes) return { changes: [what], apply: () => perform(parameters, context) };
  const { outputs, message } = await perform(parameters, context);
  return { changes: [], outputs: outputs!, message: message! };
};

async function perform(parameters: Parameters, context: ActionContext): Promise<ActionEnd> {
  const { host, expectCodes, changedCodes } = parameters;
  const { code, stdout } = await withSsh(parameters, context, (client) => execute(client, parameters, context));
  const outputs = { code: String(code), stdout };
  if (!expectCodes.includes(code) && !changedCodes?.includes(code))
    throw new ActionFailed(`the command ended with ${code} on ${host}`, { outputs });
  return { outputs, message: `ended with ${code} on ${host}`, changed: changedCodes?.includes(code) ?? true };
}

function execute(client: Client, parameters: Parameters, { log }: ActionContext): Promise<End> {
  const command = [parameters.command, ...parameters.args.map(quote)].join(" ");
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new ActionFailed(`the command took longer than ${parameters.timeout} on ${parameters.host}`));
    const timer = setTimeout(late, parseDuration(parameters.timeout)!);
    client.exec(command, (error, channel) => {
      if (error)
        return reject(new ActionFailed(`${parameters.host} refuses commands: ${error.message}`, { cause: error }));
      const [stdout, stderr] = [new StreamText(log), new StreamText(log)];
      channel.on("data", (bytes: Buffer) => stdout.write(bytes));
      channel.stderr.on("data", (bytes: Buffer) => stderr.write(bytes));
      channel.on("close", (code: number | null, signal?: string) => {
        clearTimeout(timer);
        for (const stream of [stdout, stderr]) stream.end();
        if (code === null || code === undefined)
          reject(new ActionFailed(`the command was ended by ${signal ?? "an unknown signal"} on ${parameters.host}`));
        else resolve({ code, stdout: stdout.kept });
      });
      channel.end(parameters.stdin ?? "");
    });
  });
}

/** For the shell of the other side, which takes nothing inside of single quotes for anything else. */
function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
