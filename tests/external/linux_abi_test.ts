import { assertEquals } from "@std/assert";
import * as abi from "../../src/hosts/deno/linux_abi.ts";

const HEADERS = [
  "errno.h",
  "fcntl.h",
  "linux/magic.h",
  "stddef.h",
  "stdio.h",
  "sys/epoll.h",
  "sys/mman.h",
  "sys/socket.h",
  "sys/stat.h",
  "sys/un.h",
  "sys/vfs.h",
];

Deno.test("numbers and layouts are those of the C headers", async () => {
  const { Layout, Errno, SUN_PATH_BYTES, ...numbers } = abi;
  const expected: Record<string, number> = {
    ...numbers,
    ...Errno,
    "sizeof(((struct sockaddr_un *)0)->sun_path)": SUN_PATH_BYTES,
  };
  for (const [struct, fields] of Object.entries(Layout)) {
    for (const [field, offset] of Object.entries(fields)) {
      expected[field === "sizeof" ? `sizeof(struct ${struct})` : `offsetof(struct ${struct}, ${field})`] = offset;
    }
  }
  const source = [
    "#define _GNU_SOURCE",
    ...HEADERS.map((header) => `#include <${header}>`),
    "int main(void) {",
    ...Object.keys(expected).map((name) => `  printf("%lld\\n", (long long)(${name}));`),
    "}",
  ].join("\n");

  const printed = await runC(source);

  const actual = printed.trim().split("\n").map(Number);
  assertEquals(Object.fromEntries(Object.keys(expected).map((name, index) => [name, actual[index]])), expected);
});

/** Compiles a program, runs it, and returns what it prints. */
async function runC(source: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/program`;
    await Deno.writeTextFile(`${program}.c`, source);
    await output("gcc", "-o", program, `${program}.c`);
    return await output(program);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function output(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} fails: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
