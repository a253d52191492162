import { assertEquals } from "@std/assert";
import { ReportLimit } from "../../../src/hosts/deno/report_limit.ts";
import type { Report } from "../../../src/hosts/deno/vhost_user_messages.ts";

Deno.test("reports are passed on up to the limit, the others left out and counted", () => {
  const passed: Report[] = [];
  let now = 0;
  const limit = new ReportLimit(2, (report) => passed.push(report), () => now);
  const report = (text: string) => limit.report({ level: "info", text });

  for (const text of ["one", "two", "three", "four", "five"]) report(text);
  now = 1000;
  report("six");

  assertEquals(passed.map(({ text }) => text), ["one", "two", "3 more messages were left out", "six"]);
});
