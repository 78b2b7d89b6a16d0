import { until } from "@opsconductor/contract/testing/until";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ActionBench } from "./testing/action-bench.ts";
import { WinrmServer } from "./testing/winrm-server.ts";

let server: WinrmServer;
let bench: ActionBench;
beforeAll(async () => {
  server = await WinrmServer.start();
});
afterAll(() => server.close());
beforeEach(() => {
  bench = new ActionBench();
  Object.assign(server, { reply: () => ({}), fault: undefined, offers: "Negotiate" });
  server.actions.length = 0;
  credential({});
});
afterEach(() => {
  expect(server.openShells).toBe(0); // whatever happened
  bench.close();
});

const known = () => ({ username: "LAB\\ops", password: "a long password", certificateAuthority: server.authority });
const credential = (change: object) => bench.write("windows.yaml", JSON.stringify({ ...known(), ...change }), 0o600);
const wish = (more: object = {}) => ({
  ...{ host: "127.0.0.1", port: server.port, credential: "windows", script: "Get-Date" },
  ...more,
});
const run = (more: object = {}) => bench.run("winrm", wish(more));
const scriptOf = (input: string) => Buffer.from(input, "base64").toString();

test("signed in with NTLM, a script runs in a shell of its own, which goes; values are environment and nothing else", async () => {
  const awkward = `a"b'c <&> $(calc) %PATH% \`x\` \r\n\t; exit é€😀`;
  const script = "Write-Output $env:WHO # ünïcode '\"";
  let seen: unknown;
  server.reply = (given) => {
    seen = given;
    return { output: [{ stream: "stdout", bytes: "done\r\n" }] };
  };
  const done = await run({ script, env: { WHO: awkward, EMPTY: "" } });
  expect(done).toMatchObject({
    changed: true,
    outputs: { code: "0", stdout: "done\r\n", stderr: "" },
    log: expect.stringContaining("done"),
  });
  const { command, environment, input } = seen as Parameters<WinrmServer["reply"]>[0];
  expect(environment).toEqual({ WHO: awkward, EMPTY: "" });
  expect(scriptOf(input)).toBe(script);
  expect(command).toMatch(
    /^powershell\.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand [A-Za-z0-9+/=]+$/,
  );
  expect(server.actions).toEqual(["Create", "Command", "Send", "Receive", "Signal", "Delete"]);
});

test("output comes in pieces, with waits, and with characters cut in two; the exit code decides", async () => {
  const euro = Buffer.from("a€b\nlast");
  server.reply = () => ({
    output: [
      { stream: "stdout", bytes: euro.subarray(0, 2), wait: true },
      { stream: "stderr", bytes: "careful\r\n" },
      { stream: "stdout", bytes: euro.subarray(2), wait: true },
    ],
    code: 3010,
  });
  await expect(run()).rejects.toThrow("the script ended with 3010 on 127.0.0.1: careful");
  const done = await run({ expectCodes: [0, 3010], changedCodes: [0] });
  expect(done).toMatchObject({ changed: false, outputs: { code: "3010", stdout: "a€b\nlast", stderr: "careful\r\n" } });
  expect(
    done.log
      .split("\n")
      .filter((line) => line !== "")
      .slice(-3),
  ).toEqual(["a€b", "last", "careful"]);
});

test("errors that PowerShell writes as XML are text", async () => {
  const clixml =
    '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0"><MS><I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing</AV></PR></MS></Obj><S S="Error">Get-Service : Cannot find &lt;x&gt;_x000D__x000A_</S><S S="Error">At line:1 char:1_x000D__x000A_</S></Objs>';
  server.reply = () => ({ output: [{ stream: "stderr", bytes: clixml }], code: 1 });
  await expect(run()).rejects.toMatchObject({
    message: "the script ended with 1 on 127.0.0.1: Get-Service : Cannot find <x>",
    outputs: { code: "1", stderr: "Get-Service : Cannot find <x>\nAt line:1 char:1\n" },
  });
});

test("a long script comes over in parts", async () => {
  const script = `# ${"x".repeat(200_000)}`;
  let input = "";
  server.reply = (given) => {
    ({ input } = given);
    return {};
  };
  await run({ script });
  expect(scriptOf(input)).toBe(script);
  expect(server.actions.filter((action) => action === "Send").length).toBeGreaterThan(3);
});

test("cmd runs one line as it stands", async () => {
  let seen = "";
  server.reply = ({ command }) => {
    seen = command;
    return { code: 0 };
  };
  await run({ shell: "cmd", script: 'dir "C:\\a & b" <nul' });
  expect(seen).toBe('dir "C:\\a & b" <nul');
  await expect(run({ shell: "cmd", script: "dir\ndel x" })).rejects.toThrow("cmd takes one line");
  await expect(run({ env: { A: "x\0y" } })).rejects.toThrow("no control characters");
});

test("in check mode only what changes nothing is run", async () => {
  expect(await bench.check("winrm", wish())).toMatchObject({
    changed: true,
    message: expect.stringContaining("would change: run Get-Date on 127.0.0.1"),
  });
  expect(server.actions).toEqual([]);
  expect(await bench.check("winrm", wish({ changes: false }))).toMatchObject({
    changed: false,
    outputs: { code: "0" },
  });
});

test("a certificate that nobody signed, another one, and another name are refused before anything is told", async () => {
  credential({ certificateAuthority: undefined });
  await expect(run()).rejects.toThrow(/the certificate of 127.0.0.1 is not trusted .*certificateFingerprint/);
  await expect(run({ certificateFingerprint: "ab".repeat(32) })).rejects.toThrow(
    "another machine answers, or it was changed",
  );
  expect(server.actions).toEqual([]);
  expect(await run({ certificateFingerprint: server.fingerprint })).toMatchObject({ changed: true });
  const other = await WinrmServer.start("192.0.2.1");
  credential({ certificateAuthority: other.authority });
  await expect(run({ port: other.port })).rejects.toThrow("is not trusted");
  other.close();
});

test("a wrong password, a wrong user and another way of signing in say what they are", async () => {
  for (const change of [{ password: "another password" }, { username: "LAB\\nobody" }]) {
    credential(change);
    await expect(run()).rejects.toThrow(/127.0.0.1 refuses the user LAB\\\w+ or the password/);
  }
  credential({ username: "ops" });
  await expect(run({ auth: "basic" })).rejects.toThrow("does not sign in with basic: it offers Negotiate");
  server.offers = 'Basic realm="WSMAN"';
  expect(await run({ auth: "basic" })).toMatchObject({ changed: true });
  await expect(run()).rejects.toThrow("does not sign in with ntlm: it offers Basic");
  credential({ username: "ops", password: "another password" });
  await expect(run({ auth: "basic" })).rejects.toThrow("refuses the user ops or the password");
  credential({ password: undefined });
  await expect(run()).rejects.toThrow("needs username and password");
});

test("what Windows refuses with is the reason", async () => {
  server.fault = { code: "2150859174", message: "This user is allowed a maximum number of 30 concurrent shells." };
  await expect(run()).rejects.toThrow(
    "127.0.0.1: This user is allowed a maximum number of 30 concurrent shells. (2150859174)",
  );
  await expect(run({ port: 1 })).rejects.toThrow("127.0.0.1 cannot be reached at port 1");
});

test("a script that takes too long, and one that is cancelled, are ended over there", async () => {
  server.reply = () => ({ forever: true });
  await expect(run({ timeout: "300ms" })).rejects.toThrow("the script took longer than 300ms on 127.0.0.1");
  expect(server.actions.filter((action) => action !== "Receive").slice(-2)).toEqual(["Signal", "Delete"]);
  const cancel = new AbortController();
  const running = bench.run("winrm", wish(), { signal: cancel.signal });
  await until("it waits for output", () => server.actions.at(-1) === "Receive");
  cancel.abort();
  await expect(running).rejects.toThrow("it was stopped");
  expect(server.openShells).toBe(0);
});
