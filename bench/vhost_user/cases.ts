import { entryWords, type MemoryEntry, type Writer } from "../../src/guest/gpu_driver.ts";
import type { GuestRam } from "../../src/guest/guest_ram.ts";
import type { Rect } from "../../src/memory/rect.ts";
import {
  Format,
  ResponseType,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeResourceDetachBacking,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import type { FrontEndMachine } from "../../tests/support/vhost_front_end/front_end_machine.ts";
import { seededRandom } from "../support/seeded_random.ts";
import type { DisplaySink } from "./display_sink.ts";
import { DriverRing } from "./driver_ring.ts";

/** One thing that is measured. */
export interface Case {
  readonly name: string;
  /** What comes before it, and is not measured. */
  readonly prepare?: () => void;
  /** Does it for `milliseconds` and returns how often. */
  readonly run: (milliseconds: number) => number;
  /** What is sent. */
  readonly commands: readonly Command[];
}

/** Throws `Error` unless the device has answered that it did what it was told. */
export function checkReplies({ name, commands }: Case): void {
  for (const { reply: [type] } of commands) {
    if (type !== ResponseType.OkNodata) throw new Error(`${name}: the device answers 0x${type!.toString(16)}`);
  }
}

const WHOLE: Rect = { x: 0, y: 0, width: 1920, height: 1080 };
const SQUARE = 64;
const IN_FLIGHT = 64;
const PAGE_BYTES = 4096;
const HEADER_BYTES = 24;
const MAX_COMMAND_BYTES = 256;
const SHOWN = 1;
const ATTACHED = 2;

/** A request in guest memory that is sent again and again. */
interface Command {
  readonly head: number;
  readonly words: Uint32Array;
  readonly reply: Uint32Array;
}

/** The cases over one back end whose driver has started, and whose display `sink` is. */
export function casesOf(machine: FrontEndMachine, sink: DisplaySink, seed: number): Case[] {
  const pages = Array.from({ length: WHOLE.width * WHOLE.height * 4 / PAGE_BYTES }, () => {
    return { addr: machine.ram.guest.allocate(PAGE_BYTES, PAGE_BYTES), length: PAGE_BYTES };
  }).reverse(); // none follows the one before, as a guest's pages after a while
  for (const resourceId of [SHOWN, ATTACHED]) {
    const { width, height } = WHOLE;
    machine.driver.send(writeResourceCreate2d, { resourceId, format: Format.B8G8R8X8Unorm, width, height });
  }
  machine.driver.attachBacking(SHOWN, pages);
  machine.driver.send(writeSetScanout, { rect: WHOLE, scanoutId: 0, resourceId: SHOWN });
  const commands = new Commands(machine);
  return [
    ...frameCases(commands, sink),
    squareCase(commands, seededRandom(seed)),
    attachCase(commands, pages),
    ...trivialCases(commands),
  ];
}

/** Commands in guest memory, and the ring that takes them. */
class Commands {
  readonly ring: DriverRing;
  readonly #ram: GuestRam;

  constructor(machine: FrontEndMachine) {
    this.ring = new DriverRing(machine);
    this.#ram = machine.ram.guest;
  }

  write<F>(write: Writer<F>, fields: F, trailing: Uint32Array = new Uint32Array()): Command {
    const room = MAX_COMMAND_BYTES + trailing.byteLength;
    const address = this.#ram.allocate(room, 64);
    const words = this.#ram.words(address, room / 4);
    const length = write(words, 0, fields);
    words.set(trailing, length / 4);
    const reply = this.#ram.allocate(HEADER_BYTES, 64);
    const head = this.ring.writeChain([
      { address, length: length + trailing.byteLength },
      { address: reply, length: HEADER_BYTES, isWritable: true },
    ]);
    return { head, words, reply: this.#ram.words(reply, HEADER_BYTES / 4) };
  }

  /** The command that transfers `rect` of the screen, and the one that shows it. */
  writeFrame(rect: Rect): [Command, Command] {
    return [
      this.write(writeTransferToHost2d, { rect, offset: 0, resourceId: SHOWN }),
      this.write(writeResourceFlush, { rect, resourceId: SHOWN }),
    ];
  }
}

function frameCases(commands: Commands, sink: DisplaySink): Case[] {
  const frame = commands.writeFrame(WHOLE);
  const heads = headsOf(frame);
  const send = () => commands.ring.run(heads);
  const show = () => {
    const end = sink.bytes + WHOLE.width * WHOLE.height * 4;
    send();
    sink.waitFor(end);
  };
  const size = `${WHOLE.width}x${WHOLE.height}`;
  return [
    { name: `${size} transfer + flush`, run: (milliseconds) => repeat(send, milliseconds), commands: frame },
    {
      name: `${size} until it is shown`,
      prepare: () => sink.settle(),
      run: (milliseconds) => repeat(show, milliseconds),
      commands: frame,
    },
  ];
}

function squareCase(commands: Commands, random: (limit: number) => number): Case {
  const rect = { x: 0, y: 0, width: SQUARE, height: SQUARE };
  const [transfer, flush] = commands.writeFrame(rect);
  const heads = headsOf([transfer, flush]);
  const send = () => {
    rect.x = random(WHOLE.width - SQUARE);
    rect.y = random(WHOLE.height - SQUARE);
    const offset = (rect.y * WHOLE.width + rect.x) * 4;
    writeTransferToHost2d(transfer.words, 0, { rect, offset, resourceId: SHOWN });
    writeResourceFlush(flush.words, 0, { rect, resourceId: SHOWN });
    commands.ring.run(heads);
  };
  const name = `${SQUARE}x${SQUARE} transfer + flush`;
  return { name, run: (milliseconds) => repeat(send, milliseconds), commands: [transfer, flush] };
}

function attachCase(commands: Commands, pages: readonly MemoryEntry[]): Case {
  const fields = { resourceId: ATTACHED, nrEntries: pages.length };
  const both = [
    commands.write(writeResourceAttachBacking, fields, entryWords(pages)),
    commands.write(writeResourceDetachBacking, { resourceId: ATTACHED }),
  ];
  const heads = headsOf(both);
  const send = () => commands.ring.run(heads);
  const name = `attach ${pages.length} pages + detach`;
  return { name, run: (milliseconds) => repeat(send, milliseconds), commands: both };
}

/** SET_SCANOUT of nothing where nothing is shown: what a command costs that does nothing. */
function trivialCases(commands: Commands): Case[] {
  const rect = { x: 0, y: 0, width: 0, height: 0 };
  const all = Array.from({ length: IN_FLIGHT }, () => {
    return commands.write(writeSetScanout, { rect, scanoutId: 1, resourceId: 0 });
  });
  const heads = headsOf(all);
  const one = heads.slice(0, 1);
  const send = () => commands.ring.run(one);
  return [
    { name: "commands, 1 in flight", run: (milliseconds) => repeat(send, milliseconds), commands: all.slice(0, 1) },
    {
      name: `commands, ${IN_FLIGHT} in flight`,
      run: (milliseconds) => commands.ring.stream(heads, milliseconds),
      commands: all,
    },
  ];
}

function headsOf(commands: readonly Command[]): number[] {
  return commands.map(({ head }) => head);
}

function repeat(once: () => void, milliseconds: number): number {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (; performance.now() < end; count++) once();
  return count;
}
