// What agents send, as it comes in.
import { EnrollRequest, Hello } from "@opsconductor/proto/opsconductor/agent/v1/agent";
import { expect, test } from "vitest";
import { toEnrollParams, toHello } from "./convert.ts";

test("what a host calls itself and its system is one line that looks like what it is, at enrolment and at hello", () => {
  const platform = { os: "linux\n", arch: "x64\0", hostname: "web\u202e10", osName: "Debian\u200b 13" };
  const clean = { os: "linux\ufffd", arch: "x64", hostname: "web\ufffd10", osName: "Debian\ufffd 13" };
  const enrolled = toEnrollParams(EnrollRequest.fromPartial({ platform, agentVersion: "1.0\u2066" }));
  expect(enrolled).toMatchObject({ platform: clean, agentVersion: "1.0\ufffd" });
  const hello = toHello(Hello.fromPartial({ platform, agentVersion: "1.0\u2066", actions: ["file\u202e"] }));
  expect(hello).toMatchObject({ platform: clean, agentVersion: "1.0\ufffd", actions: ["file\ufffd"] });
});
