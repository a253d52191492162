/** `cmpb $0, distance(%rip)`: two bytes, the distance, the number to compare with. */
const COMPARE = [0x80, 0x3d];
const COMPARE_BYTES = 7;
const FUNCTION = "vhost_user_backend_dev_init";
const FLAGS = ["kvm_allowed", "kvm_eventfds_allowed"];
/** The comparisons are at the function's beginning. */
const SEARCHED_BYTES = 128;
/** Neither 0 nor 1. */
const NEVER = 2;

/**
 * Takes a check out of QEMU 7.2's program at `path`: that vhost-user devices get no further than "vhost initialization
 * failed: requires kvm" where QEMU emulates the processor itself. QEMU 8.0 has dropped it, for all else works without KVM.
 * What the function compares with 0, two flags, it then compares with a number that they never are.
 * Throws `Error` when the program is another one.
 */
export async function dropKvmCheck(path: string): Promise<void> {
  const addresses = await symbols(path);
  const start = addresses.get(FUNCTION) ?? NaN;
  const flags = FLAGS.map((name) => addresses.get(name));
  const program = await Deno.readFile(path);
  const view = new DataView(program.buffer);
  let dropped = 0;
  for (let at = start; at < start + SEARCHED_BYTES; at++) { // code lies in the file where it lies in memory
    const isCompare = COMPARE.every((byte, index) => program[at + index] === byte);
    if (!isCompare || !flags.includes(at + COMPARE_BYTES + view.getInt32(at + 2, true))) continue;
    program[at + COMPARE_BYTES - 1] = NEVER;
    dropped++;
  }
  if (dropped !== FLAGS.length) throw new Error(`Cannot find the check for KVM in ${path}`);
  await Deno.writeFile(path, program);
}

/** The addresses of what a program exports, by name. */
async function symbols(path: string): Promise<Map<string | undefined, number>> {
  const { stdout } = await new Deno.Command("nm", { args: ["-D", "--defined-only", path] }).output();
  const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.split(" "));
  return new Map(lines.map(([address, , name]) => [name, parseInt(address!, 16)]));
}
