import { assertEquals } from "@std/assert";
import { compare, type Golden, goldenUrl, preprocess, tableFacts } from "../../build/wire_header.ts";

const golden: Golden = JSON.parse(Deno.readTextFileSync(goldenUrl));
const hasHeaders = await preprocess() !== undefined;

Deno.test("the tables say what tests/golden/wire_header.json says of the C headers", () => {
  const newer = Object.entries(golden.newer).map(([name, { value }]) => [name, value]);
  const stated = [...tableFacts()].map(([name, { value }]) => [name, value]);

  assertEquals(Object.fromEntries(stated), { ...golden.facts, ...Object.fromEntries(newer) });
});

Deno.test("the tables have every name of virtio_gpu.h, as the golden file saw it", () => {
  assertEquals(golden.missing, []);
});

Deno.test("what the golden header does not have yet is known by its clause", () => {
  const clauses = Object.values(golden.newer).map((stated) => stated.clause);

  assertEquals(clauses.filter((clause) => !/^Virtio 1\.4, \d/.test(clause)), []);
});

Deno.test({
  name: "the tables agree with the C headers of this machine, where it has them and a compiler",
  ignore: !hasHeaders,
  fn: async () => {
    assertEquals((await compare())!.differences, []);
  },
});
