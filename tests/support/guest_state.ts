import { join } from "node:path";
import { DEFAULT_MEMORY_BYTES, GuestMachine, type GuestMachineOptions } from "../../build/guest/guest_machine.ts";
import { GUEST_CACHE_FOLDER } from "../../build/guest/image.ts";

/**
 * The state of a guest that has just become ready, from the cache or by booting once. `devices` names what `beforeRun`
 * attaches: guests with other devices are other states. One state is kept for each such name.
 */
export async function readyState(options: GuestMachineOptions, devices: string): Promise<ArrayBuffer> {
  const folder = join(GUEST_CACHE_FOLDER, "states");
  const prefix = `${devices}-${(options.memoryBytes ?? DEFAULT_MEMORY_BYTES) >> 20}MiB-`;
  const name = `${prefix}v86-${await v86Version()}-${options.image.key}`;
  const cached = await Deno.readFile(join(folder, name)).catch(() => undefined);
  if (cached !== undefined) return cached.buffer;

  const machine = await GuestMachine.boot(options);
  const state = await machine.saveState();
  await machine.close();

  await Deno.mkdir(folder, { recursive: true });
  const old = Array.from(Deno.readDirSync(folder)).filter((entry) => entry.name.startsWith(prefix));
  for (const entry of old) await Deno.remove(join(folder, entry.name)).catch(() => {}); // another process may have
  const unfinished = await Deno.makeTempFile({ dir: folder, prefix: "writing-" });
  await Deno.writeFile(unfinished, new Uint8Array(state));
  await Deno.rename(unfinished, join(folder, name));
  return state;
}

async function v86Version(): Promise<string> {
  const file = new URL("../package.json", import.meta.resolve("v86"));
  return JSON.parse(await Deno.readTextFile(file)).version;
}
