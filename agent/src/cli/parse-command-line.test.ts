import { expect, test } from "vitest";
import { parseCommandLine } from "./parse-command-line.ts";

test("enroll takes a token, a server and a name", () => {
  const line = parseCommandLine(["enroll", "--join", "oc1.x", "--server=h:3444", "--name", "web-1"]);
  expect(line).toMatchObject({ command: "enroll", join: "oc1.x", server: "h:3444", name: "web-1", force: false });
});

test("without a command, or with --help, it explains itself", () => {
  expect(parseCommandLine([]).command).toBe("help");
  expect(parseCommandLine(["run", "--help"]).command).toBe("help");
});

test.each([
  [["dance"], /no command "dance"/],
  [["exec"], /needs the file/],
  [["run", "fast"], /takes no "fast"/],
  [["enroll", "--join", "x"], /needs --server/],
  [["run", "--wat"], /--wat/],
])("%j is refused in words", (args, message) => {
  expect(() => parseCommandLine(args)).toThrow(message);
});

test("exec takes a file and inputs", () => {
  const line = parseCommandLine(["exec", "job.yaml", "--input", "a=1", "--input", "b=x=y"]);
  expect(line).toMatchObject({ command: "exec", file: "job.yaml", inputs: ["a=1", "b=x=y"] });
});
