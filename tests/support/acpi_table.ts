/** A device with one range of memory and one interrupt, as ACPI tells an operating system of it. */
export interface AcpiDevice {
  /** Hardware id, seven or eight characters: `LNRO0005` is virtio-mmio. */
  readonly hardwareId: string;
  /** Guest address of its range. */
  readonly address: number;
  /** Length of the range in bytes. */
  readonly sizeBytes: number;
  /** Number of its interrupt, which is level-triggered, active high and not shared. */
  readonly interrupt: number;
}

// Advanced Configuration and Power Interface 6.5: the opcodes of 20.3 and the resource descriptors of 6.4.
const ZERO = 0x00;
const NAME = 0x08;
const BYTE = 0x0a;
const STRING = 0x0d;
const SCOPE = 0x10;
const BUFFER = 0x11;
const DEVICE = [0x5b, 0x82];
const MEMORY_32_FIXED = [0x86, 9, 0, 0x01]; // 9 bytes follow; writable
const INTERRUPT = [0x89, 6, 0, 0x01, 1]; // 6 bytes follow; level, active high, not shared; one number
const END_TAG = [0x79, 0];

const HEADER_BYTES = 36;
const CHECKSUM_AT = 9;

/** Makes a secondary system description table with `device` on the system bus, as `iasl` compiles one. */
export function acpiTable({ hardwareId, address, sizeBytes, interrupt }: AcpiDevice): Uint8Array<ArrayBuffer> {
  const resources = [
    ...MEMORY_32_FIXED,
    ...word(address),
    ...word(sizeBytes),
    ...INTERRUPT,
    ...word(interrupt),
    ...END_TAG,
  ];
  const device = [
    ...ascii("VGPU"),
    ...[NAME, ...ascii("_HID"), STRING, ...ascii(hardwareId), 0],
    ...[NAME, ...ascii("_UID"), ZERO],
    ...[NAME, ...ascii("_CRS"), BUFFER, ...sized([BYTE, resources.length, ...resources])],
  ];
  const body = [SCOPE, ...sized([...ascii("\\_SB_"), ...DEVICE, ...sized(device)])];
  const header = [
    ...ascii("SSDT"),
    ...word(HEADER_BYTES + body.length),
    ...[2, 0], // revision; checksum
    ...ascii("SCANOU"),
    ...ascii("VIRTMMIO"),
    ...word(1),
    ...ascii("SCAN"),
    ...word(1),
  ];
  const table = Uint8Array.from([...header, ...body]);
  table[CHECKSUM_AT] = -table.reduce((sum, byte) => sum + byte, 0); // all bytes add up to 0
  return table;
}

/** The length of a package, itself included, before its bytes: one byte below 64, else two, four bits in the first. */
function sized(bytes: readonly number[]): number[] {
  if (bytes.length + 1 < 64) return [bytes.length + 1, ...bytes];
  const length = bytes.length + 2;
  return [1 << 6 | length & 15, length >> 4, ...bytes];
}

function word(value: number): number[] {
  return [value & 255, value >>> 8 & 255, value >>> 16 & 255, value >>> 24];
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
