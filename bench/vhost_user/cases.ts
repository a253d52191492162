import { entryWords } from "../../src/guest/gpu_driver.ts";
import type { Writer } from "../../src/guest/gpu_driver.ts";
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
import { DriverRing } from "./driver_ring.ts";

/** One thing that is measured. */
export interface Case {
  readonly name: string;
  /** Does it for `milliseconds` and returns how often. */
  readonly run: (milliseconds: number) => number;
  /** Throws `Error` unless the device has done what it was told. */
  readonly check: () => void;
}

const WIDTH = 1920;
const HEIGHT = 1080;
const SQUARE = 64;
const IN_FLIGHT = 64;
const PAGE_BYTES = 4096;
const HEADER_BYTES = 24;
const SHOWN = 1;
const ATTACHED = 2;

/** A request in guest memory that is sent again and again. */
interface Command {
  readonly head: number;
  readonly words: Uint32Array;
  readonly reply: Uint32Array;
}

/** The cases over one back end whose driver has started. */
export function casesOf(machine: FrontEndMachine, seed: number): Case[] {
  const { driver, ram } = machine;
  const random = seededRandom(seed);
  const pages = Array.from({ length: WIDTH * HEIGHT * 4 / PAGE_BYTES }, () => {
    return { addr: ram.guest.allocate(PAGE_BYTES, PAGE_BYTES), length: PAGE_BYTES };
  }).reverse(); // none follows the one before, as a guest's pages after a while
  const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  for (const resourceId of [SHOWN, ATTACHED]) {
    driver.send(writeResourceCreate2d, { resourceId, format: Format.B8G8R8X8Unorm, width: WIDTH, height: HEIGHT });
  }
  driver.attachBacking(SHOWN, pages);
  driver.send(writeSetScanout, { rect, scanoutId: 0, resourceId: SHOWN });

  const ring = new DriverRing(machine);
  const command = <F>(write: Writer<F>, fields: F, trailing: Uint32Array = new Uint32Array()): Command => {
    const room = 256 + trailing.byteLength;
    const address = ram.guest.allocate(room, 64);
    const words = ram.guest.words(address, room / 4);
    const length = write(words, 0, fields);
    words.set(trailing, length / 4);
    const reply = ram.guest.allocate(HEADER_BYTES, 64);
    const chain = [
      { address, length: length + trailing.byteLength },
      { address: reply, length: HEADER_BYTES, isWritable: true },
    ];
    return { head: ring.writeChain(chain), words, reply: ram.guest.words(reply, HEADER_BYTES / 4) };
  };
  const repeated = (name: string, commands: readonly Command[], prepare = () => {}): Case => {
    const heads = commands.map(({ head }) => head);
    return {
      name,
      run: (milliseconds) => repeat(() => (prepare(), ring.run(heads)), milliseconds),
      check: check(name, commands),
    };
  };

  const frame = [
    command(writeTransferToHost2d, { rect, offset: 0, resourceId: SHOWN }),
    command(writeResourceFlush, { rect, resourceId: SHOWN }),
  ];
  const square = [
    command(writeTransferToHost2d, { rect: { ...rect, width: SQUARE, height: SQUARE }, offset: 0, resourceId: SHOWN }),
    command(writeResourceFlush, { rect: { ...rect, width: SQUARE, height: SQUARE }, resourceId: SHOWN }),
  ] as const;
  const moveSquare = () => {
    const at = { x: random(WIDTH - SQUARE), y: random(HEIGHT - SQUARE), width: SQUARE, height: SQUARE };
    const offset = (at.y * WIDTH + at.x) * 4;
    writeTransferToHost2d(square[0].words, 0, { rect: at, offset, resourceId: SHOWN });
    writeResourceFlush(square[1].words, 0, { rect: at, resourceId: SHOWN });
  };
  const attach = [
    command(writeResourceAttachBacking, { resourceId: ATTACHED, nrEntries: pages.length }, entryWords(pages)),
    command(writeResourceDetachBacking, { resourceId: ATTACHED }),
  ];
  const nothing = { x: 0, y: 0, width: 0, height: 0 };
  const trivial = Array.from({ length: IN_FLIGHT }, () => {
    return command(writeSetScanout, { rect: nothing, scanoutId: 1, resourceId: 0 });
  });
  const heads = trivial.map(({ head }) => head);
  const streamName = `commands, ${IN_FLIGHT} in flight`;
  return [
    repeated(`${WIDTH}x${HEIGHT} transfer + flush`, frame),
    repeated(`${SQUARE}x${SQUARE} transfer + flush`, square, moveSquare),
    repeated(`attach ${pages.length} pages + detach`, attach),
    repeated("commands, 1 in flight", trivial.slice(0, 1)),
    { name: streamName, run: (milliseconds) => ring.stream(heads, milliseconds), check: check(streamName, trivial) },
  ];
}

function repeat(once: () => void, milliseconds: number): number {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (; performance.now() < end; count++) once();
  return count;
}

function check(name: string, commands: readonly Command[]): () => void {
  return () => {
    for (const { reply: [type] } of commands) {
      if (type !== ResponseType.OkNodata) throw new Error(`${name}: the device answers 0x${type!.toString(16)}`);
    }
  };
}
