/** A test of what is there on Linux on x86-64 alone. */
export function testOnLinux(name: string, work: () => void | Promise<void>): void {
  const ignore = Deno.build.os !== "linux" || Deno.build.arch !== "x86_64";
  Deno.test({ name, ignore, fn: work });
}
