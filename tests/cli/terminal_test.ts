import { assertEquals } from "@std/assert";
import { Terminal } from "../../src/cli/terminal.ts";
import { KeptOutput } from "./run_scanout.ts";

Deno.test("status on a terminal replaces the last status, and a line comes in its place", () => {
  const output = new KeptOutput(80);
  const terminal = new Terminal(output);

  terminal.status("one");
  terminal.status("two");
  terminal.line("done");

  assertEquals(output.text, "one\r\x1b[Ktwo\r\x1b[Kdone\n");
});

Deno.test("status on a terminal is cut off before the last column, so that it never wraps", () => {
  const output = new KeptOutput(10);

  new Terminal(output).status("0123456789abcdef");

  assertEquals(output.text, "012345678");
});

Deno.test("status in a file is a line for each step; the next about the same step within two seconds is left out", () => {
  const output = new KeptOutput();
  const terminal = new Terminal(output);

  terminal.status("Boiling", "20 degrees");
  terminal.status("Boiling", "21 degrees");
  terminal.status("Cooling");
  terminal.line("done");

  assertEquals(output.text, "Boiling: 20 degrees\nCooling\ndone\n");
});
