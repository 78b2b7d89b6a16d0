import { expect, test } from "vitest";
import { enrolmentBytes, reauthenticationBytes } from "./enrolment-bytes.ts";

const csr = Buffer.from("a certificate request");
const csrSha256 = "90331398399742f2ba1952629d072d7ba59458e59adb47752ad6a57ecdded6ad";

test("what is signed at enrolment never changes: agents in the field sign it", () => {
  const bytes = enrolmentBytes("0123456789ABCDEF", csr, Buffer.alloc(32, 7));
  expect(bytes.toString("hex")).toBe(
    "6f7073636f6e647563746f722d656e726f6c6c2d763100" +
      "10" +
      "30313233343536373839414243444546" +
      csrSha256 +
      "07".repeat(32),
  );
});

test("what is signed on the way back never changes either", () => {
  const bytes = reauthenticationBytes("01999999-0000-7000-8000-000000000001", Buffer.alloc(32, 9), csr);
  expect(bytes.toString("hex")).toBe(
    "6f7073636f6e647563746f722d726561757468656e7469636174652d7631" +
      "30313939393939392d303030302d373030302d383030302d303030303030303030303031" +
      "09".repeat(32) +
      csrSha256,
  );
});
