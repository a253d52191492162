import { basename, join } from "node:path";

const ELF_MAGIC = "\x7fELF\x01\x01"; // 32 bits, little-endian
const SEGMENTS_OFFSET = 28;
const SEGMENT_COUNT = 44;
const SEGMENT_BYTES = 32;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DYNAMIC_BYTES = 8;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** A piece of an ELF file, and the address where it is loaded. */
interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/**
 * `programs` and all shared libraries that they need, and that those need: what ld.so would load, but for what a program
 * opens by name. Paths are relative to `root`; libraries are looked for in `folders`, one after the other. Throws `Error`
 * where one is in none of them.
 */
export async function libraryClosure(
  root: string,
  programs: readonly string[],
  folders: readonly string[],
): Promise<string[]> {
  const closure = new Set(programs);
  for (const path of closure) { // which grows meanwhile
    for (const name of neededLibraries(await Deno.readFile(join(root, path)))) {
      closure.add(await findLibrary(root, name, folders, path));
    }
  }
  return [...closure];
}

/** The libraries that an i386 program or library names, without their folders. Throws `TypeError` for any other file. */
export function neededLibraries(file: Uint8Array<ArrayBuffer>): string[] {
  const text = new TextDecoder("latin1");
  if (text.decode(file.subarray(0, ELF_MAGIC.length)) !== ELF_MAGIC) throw new TypeError("This is no i386 ELF file");
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const segments = readSegments(view);
  const entries = readDynamic(view, segments);
  const stringsAddress = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0;
  const strings = fileOffset(segments, stringsAddress);
  return entries.filter(([tag]) => tag === DT_NEEDED).map(([, offset]) => {
    const begin = strings + offset;
    return text.decode(file.subarray(begin, file.indexOf(0, begin)));
  });
}

async function findLibrary(root: string, name: string, folders: readonly string[], neededBy: string): Promise<string> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (await Deno.stat(join(root, path)).then(() => true, () => false)) return path;
  }
  throw new Error(`Cannot find ${name}, which ${basename(neededBy)} needs, in ${folders.join(", ")}`);
}

function readSegments(view: DataView): Segment[] {
  const first = view.getUint32(SEGMENTS_OFFSET, true);
  return Array.from({ length: view.getUint16(SEGMENT_COUNT, true) }, (_, index) => {
    const at = first + index * SEGMENT_BYTES;
    const [type, offset, address, , bytes] = [0, 4, 8, 12, 16].map((field) => view.getUint32(at + field, true));
    return { type: type!, offset: offset!, address: address!, bytes: bytes! };
  });
}

/** The tags and values of the dynamic section; none where the program is static. */
function readDynamic(view: DataView, segments: readonly Segment[]): [tag: number, value: number][] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  return Array.from({ length: (dynamic?.bytes ?? 0) / DYNAMIC_BYTES }, (_, index) => {
    const at = dynamic!.offset + index * DYNAMIC_BYTES;
    return [view.getUint32(at, true), view.getUint32(at + 4, true)];
  });
}

function fileOffset(segments: readonly Segment[], address: number): number {
  const holder = segments.find((segment) =>
    segment.type === PT_LOAD && address >= segment.address && address < segment.address + segment.bytes
  );
  return holder === undefined ? 0 : address - holder.address + holder.offset;
}
