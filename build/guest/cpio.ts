/** A file, a directory or a character device of an initramfs. */
export interface CpioEntry {
  /** Path without a leading slash, `/` between its parts. Its directory must come earlier in the archive. */
  readonly path: string;
  /** Type and permission bits, as in `stat.st_mode` (0o100755 is an executable file). */
  readonly mode: number;
  /** The file's content; a directory and a device have none. */
  readonly bytes?: Uint8Array;
  /** Major and minor number of a device. */
  readonly device?: readonly [number, number];
}

const TRAILER = "TRAILER!!!";

/**
 * Writes a cpio archive in the `newc` format, which Linux unpacks as its initramfs.
 *
 *     "070701" | 13 fields of 8 hexadecimal digits | name, NUL | pad to 4 | content | pad to 4
 *
 * Times and owners are 0, so the same entries give the same bytes.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let lengthBytes = 0;
  const push = (part: Uint8Array) => {
    parts.push(part, new Uint8Array(-part.length & 3));
    lengthBytes += (part.length + 3) & ~3;
  };
  [...entries, { path: TRAILER, mode: 0 }].forEach((entry, index) => {
    push(header(entry, index + 1));
    push(entry.bytes ?? new Uint8Array(0));
  });

  const archive = new Uint8Array(lengthBytes);
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

function header(entry: CpioEntry, inode: number): Uint8Array {
  const name = new TextEncoder().encode(`${entry.path}\0`);
  const isDirectory = (entry.mode & 0o170000) === 0o040000;
  const fields = [
    inode,
    entry.mode,
    0, // uid
    0, // gid
    isDirectory ? 2 : 1, // links
    0, // time of change
    entry.bytes?.length ?? 0,
    0, // the archive's own device, major
    0, // and minor
    entry.device?.[0] ?? 0,
    entry.device?.[1] ?? 0,
    name.length,
    0, // checksum, unused by this format
  ];
  const text = "070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  const bytes = new Uint8Array(text.length + name.length);
  bytes.set(new TextEncoder().encode(text));
  bytes.set(name, text.length);
  return bytes;
}
