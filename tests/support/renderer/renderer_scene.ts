import { CtrlFlag, Format } from "../../../src/protocol/wire.gen.ts";
import { createFilled, flush, pixel, rect, setScanout, unref } from "../../device/requests.ts";
import {
  attachToContext,
  box,
  create3d,
  createContext,
  createHostBlob,
  destroyContext,
  submit,
  transferFromHost,
  transferToHost,
} from "../../device/three_d_requests.ts";
import type { Machine } from "../machine.ts";
import { delay, fill, fillRect, lose, makeBuffer, makeImage } from "./stream.ts";

const FENCE = { flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx, fenceIdLow: 1, fenceIdHigh: 0, ringIdx: 3 };
const TEXTURE = { target: 2, format: Format.B8G8R8A8Unorm, width: 16, height: 16 };
const WORDS = 16 * 16;
const PAGES_AT = 8 * 1024 * 1024;

/** What came of a scene. */
export interface RendererScene {
  readonly answers: string[];
  /** The pages of a texture after a transfer of a part of it. */
  readonly words: number[];
  /** The bytes that the display shows. */
  readonly shown: number[];
}

/**
 * Uses the renderer in most of the ways that there are, with fences that take so long; what comes of it is the same wherever
 * the renderer lives.
 */
export function runRendererScene(machine: Machine, milliseconds: number): RendererScene {
  const { driver, ram, display } = machine;
  const answers = [
    createContext(driver, 1, { debugName: "scène" }),
    createContext(driver, 1),
    submit(driver, 1, [...makeBuffer(1, 8192), ...makeImage(2, 64, 64)]),
    createHostBlob(driver, 5, { blobIdLow: 1, size: 8192 }),
    createHostBlob(driver, 6, { blobIdLow: 9, size: 4096 }),
    attachToContext(driver, 1, 5),
    submit(driver, 1, [...delay(milliseconds), ...fill(5, 0, 8192, 7)], FENCE),
    create3d(driver, 8, TEXTURE),
    create3d(driver, 9, { format: 77, target: 99 }),
    attachToContext(driver, 1, 8),
  ];
  driver.attachBacking(8, [{ addr: PAGES_AT, length: 1000 }, { addr: PAGES_AT + 65536, length: 4096 }]);
  const pages = (index: number) => index < 250 ? PAGES_AT + index * 4 : PAGES_AT + 65536 + (index - 250) * 4;
  for (let index = 0; index < WORDS; index++) ram.words(pages(index), 1)[0] = 0xff000000 + index;
  answers.push(
    transferToHost(driver, 8, { box: box(0, 0, 0, 16, 16, 1) }),
    transferToHost(driver, 8, { box: box(0, 0, 0, 17, 16, 1) }),
    transferToHost(driver, 8, { box: box(0, 0, 0, 16, 16, 1), offset: 4092 }),
    transferToHost(driver, 8, { box: box(0, 0, 0, 16, 16, 1), stride: 8 }),
    submit(driver, 1, fillRect(8, { x: 4, y: 4, width: 8, height: 2 }, 0xffaabbcc), FENCE),
    setScanout(driver, 0, 8, rect(0, 0, 16, 16)),
    flush(driver, 8, rect(0, 0, 16, 16)),
  );
  for (let index = 0; index < WORDS; index++) ram.words(pages(index), 1)[0] = 0x11111111;
  answers.push(transferFromHost(driver, 8, { box: box(2, 3, 0, 8, 4, 1), offset: 3 * 64 + 8 }));
  const words = Array.from({ length: WORDS }, (_, index) => ram.words(pages(index), 1)[0]!);
  const shown = [...display.picture(0)!.rgba.subarray(0, 16 * 16 * 4)];
  createFilled(machine, 10, 4, 4, pixel);
  answers.push(
    attachToContext(driver, 1, 10),
    unref(driver, 5),
    submit(driver, 1, lose(), FENCE),
    createContext(driver, 2),
    submit(driver, 2, delay(milliseconds), { ...FENCE, flags: CtrlFlag.Fence }),
    destroyContext(driver, 1),
    destroyContext(driver, 2),
    unref(driver, 8),
  );
  return { answers, words, shown };
}
