import { maxTransferJobs } from "@opsconductor/contract/job/transfer-limits";
import fc from "fast-check";
import { expect, test } from "vitest";
import { packJobs, unpackJobs } from "./job-archive.ts";

const at = new Date("2026-11-20T10:00:00Z");
const file = (name: string, text: string | Uint8Array = "x") => ({ name, bytes: Buffer.from(text), at });

test("whatever bytes a job has, they come out as they went in, in the same order", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: "grapheme" }).map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 5 }), async (contents) => {
      const packed = await packJobs(contents.map((content, n) => file(`job-${n}.yaml`, content)));
      const { files, ignored } = await unpackJobs(packed);
      expect(files.map((each) => [each.name, Buffer.from(each.bytes).toString("hex")])).toEqual(
        contents.map((content, n) => [`job-${n}.yaml`, Buffer.from(content).toString("hex")]),
      );
      expect(ignored).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test("the same jobs make the same archive, whenever it is made", async () => {
  const make = () => packJobs([file("b.yaml"), file("a.json", "{}")]);
  const first = Buffer.from(await make());
  expect(first.equals(await make())).toBe(true);
});

test("what git and macOS put beside jobs is left alone, and so is what is no YAML or JSON", async () => {
  const names = [
    "web/deploy.yaml",
    "README.md",
    ".github/workflows/ci.yml",
    "__MACOSX/web/._deploy.yaml",
    "last.JSON",
    "a.yml",
  ];
  const { files, ignored } = await unpackJobs(await packJobs(names.map((name) => file(name))));
  expect(files.map(({ name }) => name)).toEqual(["web/deploy.yaml", "last.JSON", "a.yml"]);
  expect(ignored).toEqual(["README.md", ".github/workflows/ci.yml", "__MACOSX/web/._deploy.yaml"]);
});

test("one changed byte is noticed", async () => {
  const packed = Buffer.from(await packJobs([file("a.yaml", "name: a\n".repeat(40))]));
  const data = 30 + packed.readUInt16LE(26) + packed.readUInt16LE(28); // behind the header, the name and the extra field
  packed[data + 3]! ^= 1;
  await expect(unpackJobs(packed)).rejects.toThrow(/cannot be read as a ZIP archive \(a\.yaml: /);
});

test("what is no archive, or a piece of one, is refused in words", async () => {
  const packed = await packJobs([file("a.yaml", "name: a\n")]);
  for (const bytes of [Buffer.from("hello"), new Uint8Array(), packed.slice(0, packed.length - 30)])
    await expect(unpackJobs(bytes)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("cannot be read as a ZIP"),
    });
});

test("too many jobs, one too large and a bomb are refused before they fill the memory", async () => {
  const many = Array.from({ length: maxTransferJobs + 1 }, (_, n) => file(`${n}.yaml`));
  await expect(unpackJobs(await packJobs(many))).rejects.toThrow("more than 1000 jobs");
  const zeros = file("big.yaml", Buffer.alloc(1024 * 1024 + 1));
  await expect(unpackJobs(await packJobs([zeros]))).rejects.toThrow("big.yaml is larger than 1 MiB");
  const seventeen = Array.from({ length: 17 }, (_, n) => file(`${n}.yaml`, Buffer.alloc(1024 * 1024)));
  await expect(unpackJobs(await packJobs(seventeen))).rejects.toThrow("more than 16 MiB when unpacked");
});

test("an archive that lies about a size is not believed", async () => {
  const packed = Buffer.from(await packJobs([file("a.yaml", Buffer.alloc(8 * 1024 * 1024))]));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(8 * 1024 * 1024);
  for (let place = packed.indexOf(size); place >= 0; place = packed.indexOf(size, place))
    packed.writeUInt32LE(10, place);
  await expect(unpackJobs(packed)).rejects.toMatchObject({ code: "invalid_argument" });
});
