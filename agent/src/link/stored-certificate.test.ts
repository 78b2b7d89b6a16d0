import { afterEach, expect, test, vi } from "vitest";
import { makeCertificateRequest } from "./certificate-request.ts";
import { storedCertificate } from "./stored-certificate.ts";
import { makeTestAuthority } from "./testing/test-authority.ts";

afterEach(() => {
  vi.useRealTimers();
});

test.each([-24, 0, 24])("a host whose clock is %i h off keeps a new certificate for its whole life", async (hours) => {
  const authority = await makeTestAuthority();
  const { csrDer, keyPem } = await makeCertificateRequest();
  const { chainPem, serial, notAfterMs } = await authority.client(csrDer, "a", 3_600_000);
  const certificate = {
    chainPem: Buffer.from(chainPem),
    caBundlePem: Buffer.alloc(0),
    serial,
    notAfterMs: BigInt(notAfterMs),
  };
  const hostNowMs = Date.now() + hours * 3_600_000;
  vi.useFakeTimers({ now: hostNowMs, toFake: ["Date"] });
  const stored = storedCertificate(certificate, keyPem);
  expect(stored.issuedAtMs).toBe(hostNowMs);
  expect(stored.notAfterMs - hostNowMs).toBeGreaterThan(3_590_000);
  expect(stored.notAfterMs - hostNowMs).toBeLessThan(3_610_000);
});
