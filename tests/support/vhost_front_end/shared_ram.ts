import { cString, type Libc } from "../../../src/hosts/deno/libc.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  PROT_READ,
  PROT_WRITE,
} from "../../../src/hosts/deno/linux_abi.ts";
import { MoreLibc } from "../more_libc.ts";
import { GuestRam } from "../../../src/guest/guest_ram.ts";

/** A range of guest memory in a file of its own. */
export interface RamRegion {
  /** First guest-physical address; a multiple of the page size, as the other numbers. */
  readonly guestAddress: number;
  readonly sizeBytes: number;
  /** Where it begins in its file, which ends with it. */
  readonly fileOffset?: number;
}

/** A region that has been made. */
export interface SharedRegion {
  readonly fd: number;
  readonly guestAddress: number;
  readonly sizeBytes: number;
  readonly fileOffset: number;
  /** Where the front end says that it has it: a number that means nothing to the back end but in rings' addresses. */
  readonly userAddress: number;
}

const USER_ADDRESSES = 0x5500_0000_0000;
const USER_ADDRESS_STEP = 2 ** 40;

/** RAM of a guest that a front end shares with a back end: files in memory, which this process maps, too. */
export class SharedRam {
  readonly regions: readonly SharedRegion[];
  /** The RAM as the guest's driver uses it. */
  readonly guest: GuestRam;
  /** All guest-physical addresses from 0 on; what is in no region is nobody else's. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #libc: Libc;
  readonly #address: bigint;

  /** Makes the regions; the driver takes its own data from guest address `firstFree` on. */
  constructor(libc: Libc, regions: readonly RamRegion[], firstFree = 4096) {
    this.#libc = libc;
    const size = Math.max(...regions.map(({ guestAddress, sizeBytes }) => guestAddress + sizeBytes));
    this.#address = map(libc, 0n, size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    this.regions = regions.map((region, index) => this.#share(region, index));
    const buffer = Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(this.#address)!, size);
    this.bytes = new Uint8Array(buffer);
    this.guest = new GuestRam(() => this.bytes, size, firstFree);
  }

  /** What the front end itself calls the guest-physical address `guestAddress`. */
  userAddress(guestAddress: number): number {
    const region = this.regions.find((region) =>
      guestAddress >= region.guestAddress && guestAddress < region.guestAddress + region.sizeBytes
    );
    if (region === undefined) throw new RangeError(`Guest address ${guestAddress} is in no region`);
    return region.userAddress + guestAddress - region.guestAddress;
  }

  /** Ends it: nobody may look at `bytes` any more. */
  close(): void {
    for (const { fd } of this.regions) this.#libc.calls.close(fd);
    const more = new MoreLibc();
    more.unmap(this.#address, this.bytes.length);
    more.close();
  }

  #share({ guestAddress, sizeBytes, fileOffset = 0 }: RamRegion, index: number): SharedRegion {
    const { calls } = this.#libc;
    const fd = calls.memfd_create(cString(`guest RAM ${index}`), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || calls.ftruncate(fd, BigInt(fileOffset + sizeBytes)) < 0) throw this.#libc.error("make guest RAM");
    map(this.#libc, this.#address + BigInt(guestAddress), sizeBytes, MAP_SHARED | MAP_FIXED, fd, fileOffset);
    const userAddress = USER_ADDRESSES - index * USER_ADDRESS_STEP; // in no order that guest addresses have
    return { fd, guestAddress, sizeBytes, fileOffset, userAddress };
  }
}

function map(libc: Libc, address: bigint, bytes: number, flags: number, fd: number, fileOffset: number): bigint {
  const { mmap } = libc.calls;
  const mapped = mmap(address, BigInt(bytes), PROT_READ | PROT_WRITE, flags, fd, BigInt(fileOffset));
  if (mapped === 2n ** 64n - 1n) throw libc.error(`map ${bytes} bytes`);
  return mapped;
}
