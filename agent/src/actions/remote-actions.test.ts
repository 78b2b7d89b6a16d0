import { statSync } from "node:fs";
import snmpLibrary from "net-snmp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Made } from "./made-before.ts";
import { ActionBench } from "./testing/action-bench.ts";
import { type SshServer, startSshServer } from "./testing/ssh-server.ts";

let bench: ActionBench;
let server: SshServer;
const user = { username: "ops", password: "a long password" };
beforeAll(async () => {
  server = await startSshServer(user);
});
afterAll(() => server.close());
beforeEach(() => {
  bench = new ActionBench();
  bench.write("box.yaml", `username: ops\npassword: ${user.password}\nknownHosts: "${server.knownHost}"\n`, 0o600);
});
afterEach(() => bench.close());

const target = () => ({ host: "127.0.0.1", port: server.port, credential: "box" });

describe("ssh", () => {
  test("runs a command with quoted values, and gives its code and output", async () => {
    const args = ["a 'b' \"c\"", "$(touch /tmp/evil) `id`", "two\nlines", ""];
    const wish = { ...target(), command: "printf '%s|'", args };
    const done = await bench.run("ssh", wish);
    expect(done).toMatchObject({ changed: true, outputs: { code: "0", stdout: `${args.join("|")}|` } });
    expect(await bench.run("ssh", { ...target(), command: "cat", stdin: "in $(x)" })).toMatchObject({
      outputs: { stdout: "in $(x)" },
    });
  });

  test("in check mode only what changes nothing is run", async () => {
    const before = server.commands.length;
    expect(await bench.check("ssh", { ...target(), command: "true" })).toMatchObject({ changed: true });
    expect(server.commands.length).toBe(before);
    expect(await bench.check("ssh", { ...target(), command: "echo x", changes: false })).toMatchObject({
      changed: false,
      outputs: { stdout: "x\n" },
    });
  });

  test("the exit code decides about success and change", async () => {
    const wish = { ...target(), command: "exit 3" };
    await expect(bench.run("ssh", wish)).rejects.toThrow("the command ended with 3");
    expect(await bench.run("ssh", { ...wish, expectCodes: [0, 3], changedCodes: [2] })).toMatchObject({
      changed: false,
    });
    expect(await bench.run("ssh", { ...wish, changedCodes: [3] })).toMatchObject({ changed: true });
    const slow = bench.run("ssh", { ...target(), command: "sleep 30", timeout: "200ms" });
    await expect(slow).rejects.toThrow("longer than 200ms");
  });

  test("a machine whose key is not known, or another one, is refused before the password is told", async () => {
    bench.write("open.yaml", `username: ops\npassword: ${user.password}\n`, 0o600);
    const wish = { ...target(), command: "true", credential: "open" };
    await expect(bench.run("ssh", wish)).rejects.toThrow("the key of 127.0.0.1 is not known");
    expect(await bench.run("ssh", { ...wish, hostKey: server.fingerprint })).toMatchObject({ changed: true });
    const other = `SHA256:${"A".repeat(43)}`;
    await expect(bench.run("ssh", { ...wish, hostKey: other })).rejects.toThrow("another machine answers");
    bench.write("stranger.yaml", `username: ops\npassword: x-not-told\nknownHosts: "elsewhere ssh-rsa AAAA"\n`, 0o600);
    await expect(bench.run("ssh", { ...wish, credential: "stranger" })).rejects.toThrow("is not in knownHosts");
    bench.write("wrong.yaml", `username: ops\npassword: wrong-one\nknownHosts: "${server.knownHost}"\n`, 0o600);
    await expect(bench.run("ssh", { ...wish, credential: "wrong" })).rejects.toThrow(/authentication methods failed/);
  });
});

describe("sftp", () => {
  test("uploads once, and again when one side changed", async () => {
    const content = Buffer.from([0, 255, 1, 13, 10]);
    const wish = {
      ...target(),
      direction: "upload",
      local: bench.write("from", content),
      remote: bench.path("to $(x)"),
      mode: "0640",
    };
    expect(await bench.check("sftp", wish)).toMatchObject({ changed: true });
    expect(bench.names()).not.toContain("to $(x)");
    expect(await bench.run("sftp", wish)).toMatchObject({ changed: true, outputs: { bytes: "5" } });
    expect([bench.read("to $(x)"), statSync(wish.remote).mode & 0o777]).toEqual([content.toString(), 0o640]);
    expect(await bench.run("sftp", wish)).toMatchObject({ changed: false });
    bench.write("to $(x)", "other");
    expect(await bench.run("sftp", wish)).toMatchObject({ changed: true });
    await expect(bench.run("sftp", { ...wish, remote: bench.path("no/such") })).rejects.toThrow("cannot be written");
  });

  test("downloads once, and leaves nothing when it fails", async () => {
    const wish = {
      ...target(),
      direction: "download",
      remote: bench.write("there", "content"),
      local: bench.path("here"),
    };
    expect(await bench.check("sftp", wish)).toMatchObject({ changed: true });
    expect(await bench.run("sftp", wish)).toMatchObject({ changed: true });
    expect(await bench.run("sftp", wish)).toMatchObject({ changed: false });
    await expect(bench.run("sftp", { ...wish, remote: bench.path("none"), local: bench.path("x") })).rejects.toThrow(
      "none on 127.0.0.1",
    );
    expect(bench.names()).toEqual(["box.yaml", "here", "there"]);
  });

  test("a check goes on where a step before would make the file, here or there", async () => {
    const [local, remote] = [bench.path("late"), bench.path("late-there")];
    const up = { ...target(), direction: "upload", local, remote };
    const told = async (wish: object, made: Made[]) => (await bench.check("sftp", { ...up, ...wish }, made)).message;
    await expect(told({}, [])).rejects.toThrow("is not there, so it cannot be copied");
    expect(await told({}, [{ kind: "file", name: local }])).toMatch(
      /^would change: copy .*, when a step before has made/,
    );
    const down = { direction: "download" };
    await expect(told(down, [])).rejects.toThrow("late-there on 127.0.0.1");
    expect(await told(down, [{ kind: "machine", name: "127.0.0.1" }])).toMatch(
      /, when a step before has made .*there on 127/,
    );
    bench.write("late-there", "old");
    const written = { kind: "remote", host: "127.0.0.1", name: remote } as const;
    expect(await told(down, [written])).toMatch(/what is in it then cannot be known$/);
    expect(await told({ ...down, local: bench.path("no/late") }, [])).toMatch(
      /when a step before has made its directory/,
    );
  });
});

describe("snmp", () => {
  test("reads values under their names, checks them, and says what a device does not have", async () => {
    const port = 20_000 + (process.pid % 20_000);
    const device = snmpLibrary.createAgent({ port, address: "127.0.0.1" }, () => {});
    device.getAuthorizer().addCommunity("a-community");
    const { ObjectType } = snmpLibrary;
    const scalar = (name: string, oid: string, type: number, value: unknown) => {
      device.registerProvider({
        name,
        type: snmpLibrary.MibProviderType.Scalar,
        oid,
        scalarType: type,
        maxAccess: snmpLibrary.MaxAccess["read-only"],
      } as never);
      device.getMib().setScalarValue(name, value as never);
    };
    scalar("name", "1.3.6.1.2.1.1.5", ObjectType.OctetString, "ups-1");
    scalar("load", "1.3.6.1.4.1.9.1", ObjectType.Integer, 42);
    try {
      bench.write("ups.yaml", "community: a-community\n", 0o600);
      const wish = {
        host: "127.0.0.1",
        port,
        credential: "ups",
        get: { name: "1.3.6.1.2.1.1.5.0", load: ".1.3.6.1.4.1.9.1.0" },
      };
      expect(await bench.check("snmp", wish)).toMatchObject({ changed: false, outputs: { name: "ups-1", load: "42" } });
      await expect(bench.run("snmp", { ...wish, expect: { load: "7" } })).rejects.toThrow(
        "load of 127.0.0.1 is 42, not 7",
      );
      await expect(bench.run("snmp", { ...wish, get: { x: "1.3.6.1.9.9.9.0" } })).rejects.toThrow(/has no x/);
      bench.write("other.yaml", "community: another\n", 0o600);
      await expect(bench.run("snmp", { ...wish, credential: "other", timeout: "300ms" })).rejects.toThrow(
        "gave no answer",
      );
    } finally {
      device.close();
    }
  });
});
