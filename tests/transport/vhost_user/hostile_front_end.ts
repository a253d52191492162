import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import {
  BackEndRequest,
  FrontEndRequest,
  MessageFlag,
  requestRules,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import type { VirtioGpu } from "../../../src/device/virtio_gpu.ts";
import { hostileU32 } from "../../support/fuzz/hostile_numbers.ts";
import type { Random } from "../../support/fuzz/random.ts";
import type { FakeFile } from "./fake_host.ts";
import { type FrontEnd, USER_BASE } from "./front_end.ts";
import { RAM_BYTES, type VhostMachine } from "./vhost_machine.ts";

const REQUESTS = Object.values(FrontEndRequest);
const NEED_REPLY = 8;

/** A front end that does anything, in any order, with any numbers, file descriptors and rings. */
export class HostileFrontEnd {
  readonly #random: Random;
  readonly #machine: VhostMachine<VirtioGpu>;
  readonly #frontEnd: FrontEnd;
  readonly #small: FakeFile = { bytes: new Uint8Array(65536) };
  readonly #protocolFeatures: number;
  readonly #shownFd: number;
  #queues: DriverQueue[] = [];

  /** Plays over the machine's front end, whose host throws when something is used that is closed. */
  constructor(random: Random, machine: VhostMachine<VirtioGpu>) {
    this.#random = random;
    this.#machine = machine;
    this.#frontEnd = machine.frontEnd;
    this.#protocolFeatures = machine.frontEnd.get(FrontEndRequest.GetProtocolFeatures);
    this.#shownFd = machine.host.openFd();
  }

  /** Takes `count` steps, or fewer when the back end ends the connection. Returns how many there were. */
  play(count: number): number {
    if (!this.#random.oneIn(4)) this.#begin();
    let done = 0;
    for (; done < count && this.#frontEnd.closed === undefined; done++) this.#step();
    this.#machine.host.closeFd(this.#shownFd);
    return done;
  }

  /** What a well-behaved front end begins with, as far as chance takes it. */
  #begin(): void {
    const { device, file, ram } = this.#machine;
    this.#frontEnd.negotiate(device.offeredFeatures.low, device.offeredFeatures.high, this.#protocolFeatures);
    if (this.#random.oneIn(8)) return;
    this.#frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES, file }]);
    this.#queues = [new DriverQueue(ram, 16), new DriverQueue(ram, 8)];
    this.#queues.forEach((queue, index) => {
      const base = this.#random.oneIn(8) ? this.#random.below(9) : 0;
      if (!this.#random.oneIn(8)) this.#frontEnd.startRing(index, queue, base);
    });
  }

  #step(): void {
    switch (this.#random.below(13)) {
      case 12:
        return this.#answerChannel();
      case 0:
        return this.#frontEnd.kick(this.#random.below(4));
      case 1:
        return this.#sendScrap();
      case 2:
        return this.#changeMemory();
      case 3:
        return this.#machine.device.setOutput(0, { widthPixels: this.#random.between(1, 4000) });
      case 4:
        return this.#begin();
      case 5:
      case 6:
        return this.#sendRequest();
      default:
        return this.#fillRings();
    }
  }

  /** A request with a payload of about the right size, of numbers that mean something now and then. */
  #sendRequest(): void {
    const request = this.#random.oneIn(30) ? hostileU32(this.#random) : this.#random.pick(REQUESTS);
    const rules = requestRules(request);
    const least = rules?.leastPayloadBytes ?? 0;
    const sizeBytes = this.#random.oneIn(12) ? this.#random.below(269) : least;
    const words = new Uint32Array(67).map(() => this.#number());
    const payload = new Uint8Array(words.buffer, 0, Math.min(sizeBytes, words.byteLength));
    const count = this.#random.oneIn(10) ? this.#random.below(10) : rules?.leastFds ?? 0;
    this.#send(request, payload, count);
  }

  #number(): number {
    switch (this.#random.below(6)) {
      case 0:
        return hostileU32(this.#random);
      case 1:
        return USER_BASE % 2 ** 32 + this.#random.below(RAM_BYTES);
      case 2:
        return Math.floor(USER_BASE / 2 ** 32);
      default:
        return this.#random.below(3);
    }
  }

  /** Most requests ask to be acknowledged: a refused one would end the connection otherwise. */
  #send(request: number, payload: Uint8Array, fdCount: number): void {
    const { host, file } = this.#machine;
    const files = [file, this.#small, { bytes: new Uint8Array(0) }];
    const fds = Array.from({ length: fdCount }, () => host.openFd(this.#random.pick(files)));
    const flags = 1 | (this.#random.oneIn(25) ? 0 : NEED_REPLY);
    this.#frontEnd.send(request, payload, { fds, flags });
  }

  /** Memory that comes, goes and moves; some of it cannot be mapped. */
  #changeMemory(): void {
    const { file, host } = this.#machine;
    host.failsAt = () => this.#random.oneIn(12);
    const all = { guestAddress: 0, sizeBytes: RAM_BYTES, file };
    const half = { guestAddress: 4096 * this.#random.below(5), sizeBytes: RAM_BYTES / 2, file };
    const small = { guestAddress: 2 ** 32, sizeBytes: this.#random.below(65537), file: this.#small };
    switch (this.#random.below(4)) {
      case 0:
        this.#frontEnd.setMemTable(this.#random.pick([[], [all], [half], [all, small], [half, half]]), { flags: 9 });
        break;
      case 1:
        this.#frontEnd.addRegion(this.#random.pick([all, half, small]), { flags: 9 });
        break;
      case 2:
        this.#frontEnd.removeRegion(this.#random.pick([all, half, small]), { flags: 9 });
        break;
      default:
        this.#frontEnd.setMemTable([all], { flags: 9 });
    }
  }

  /** The host wants its file to be shown; what comes over the channel is an answer now and then. */
  #answerChannel(): void {
    const { host } = this.#machine;
    host.isChannelFull = this.#random.oneIn(8);
    if (this.#random.oneIn(2)) host.window?.show(this.#shownFd);
    const answer = Uint32Array.of(BackEndRequest.ShmemMap, 1 | MessageFlag.Reply, 8, this.#random.below(2), 0);
    const bytes = new Uint8Array(answer.buffer);
    if (this.#random.oneIn(4)) bytes[this.#random.below(bytes.length)]! ^= 1 << this.#random.below(8);
    host.toBackEnd.push(this.#random.oneIn(6) ? bytes.subarray(this.#random.below(bytes.length)) : bytes);
    host.isChannelClosed = this.#random.oneIn(8);
    host.channel?.onReadable();
    host.toBackEnd.length = 0;
  }

  /** Writes anything into the rings, and commands that may be some. */
  #fillRings(): void {
    const { guest, ram } = this.#machine;
    const hasRam = guest.regions.some(({ guestAddress, sizeBytes }) => guestAddress === 0 && sizeBytes === RAM_BYTES);
    const queue = this.#queues[this.#random.below(2)];
    if (!hasRam || queue === undefined) return;
    ram.fields(4096, 4).setUint32(0, 0x100 + this.#random.below(16), true);
    const address = this.#random.oneIn(40) ? hostileU32(this.#random) : 4096;
    queue.push(queue.writeChain([{ address, length: 64 }, { address: 8192, length: 64, isWritable: true }]));
    if (this.#random.oneIn(40)) queue.push(hostileU32(this.#random) & 0xffff);
    this.#frontEnd.kick(this.#queues.indexOf(queue));
  }

  /** A message that is cut off, or bytes that are none. */
  #sendScrap(): void {
    if (!this.#random.oneIn(40)) return;
    const bytes = new Uint8Array(4 * this.#random.between(1, 16));
    this.#random.fill(bytes);
    bytes[4] = this.#random.oneIn(2) ? 1 : bytes[4]!;
    this.#frontEnd.sendBytes(bytes, this.#random.oneIn(2) ? [this.#machine.host.openFd()] : []);
  }
}
