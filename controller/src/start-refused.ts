// Why the program cannot start, in words for its operator: main.ts prints the message without a stack and ends.
import type { Address } from "./config.ts";

export class StartRefused extends Error {
  override readonly name = "StartRefused";
  /** 2: the configuration must be changed. 1: something around the program must. */
  readonly exitCode: 1 | 2;
  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A listener that could not open its port, told with the setting that chose it. */
export function cannotListen(setting: string, { host, port }: Address, cause: unknown): StartRefused {
  const { code, message } = cause as NodeJS.ErrnoException;
  const where = `${setting}: ${host}:${port}`;
  if (code === "EADDRINUSE")
    return new StartRefused(`${where} is taken by another program. Stop that one, or set ${setting} to a free port.`, {
      cause,
    });
  if (code === "EACCES")
    return new StartRefused(
      `${where} is not allowed for this user. Choose a port above 1023, or grant CAP_NET_BIND_SERVICE.`,
      {
        exitCode: 2,
        cause,
      },
    );
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new StartRefused(`${where} is not an address of this machine.`, { exitCode: 2, cause });
  return new StartRefused(`${where} cannot be listened at: ${message}`, { cause });
}
