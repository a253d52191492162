import { assertEquals, assertThrows } from "@std/assert";
import { generate, staleFiles } from "../../build/gen.ts";
import { struct, u32, u64 } from "../../build/tables/struct.ts";

Deno.test("every generated file is what the tables say", () => {
  assertEquals(staleFiles().map(({ path }) => path), []);
});

Deno.test("generating twice gives the same text", () => {
  assertEquals(generate(), generate());
});

Deno.test("struct refuses a field that is not aligned to its size", () => {
  const description = { name: "bad", cName: "bad", clause: "none", doc: "" };

  assertThrows(
    () => struct(description, [u32("first"), u64("second")]),
    RangeError,
    "Cannot place bad.second: offset must be a multiple of 8, got 4",
  );
});
