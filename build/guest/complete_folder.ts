import { dirname } from "node:path";

/**
 * Makes `folder`, which comes into being complete or not at all, so that two processes may do it at the same time; does
 * nothing where it is there already. `fill` gets an empty folder to work in, which goes in the end, and returns the path in
 * it of what becomes `folder`.
 */
export async function makeCompleteFolder(folder: string, fill: (work: string) => Promise<string>): Promise<void> {
  if (await isThere(folder)) return;
  await Deno.mkdir(dirname(folder), { recursive: true });
  const work = await Deno.makeTempDir({ dir: dirname(folder), prefix: "fetching-" });
  try {
    await renameUnlessThere(await fill(work), folder);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!await isThere(to)) throw error; // else another process was first, and its folder holds the same
  }
}

function isThere(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
