import { assertEquals, assertRejects } from "@std/assert";
import type { Picture } from "../../src/display/memory_display.ts";
import { comparePictures } from "./golden.ts";
import { patternPicture } from "./guest_pattern.ts";
import { runThreeD, threeDGroups, type ThreeDOffers } from "./three_d.ts";

const OFFERS: ThreeDOffers = { isHostVisible: false, hasUuids: true };
const GROUPS = threeDGroups(OFFERS).map((names) => names.map((name) => `PASS ${name}\n`).join("") + "ready");
const STEPS = [
  "scanout-host-blob",
  "scanout-host-blob-damage",
  "scanout-default-blob",
  "scanout-3d-resource",
  "scanout-3d-resource-damage",
  "cursor-host-blob",
];
const ANSWERS = [...GROUPS, ...STEPS.map((name) => `PASS ${name}\nready`), "PASS left-open\ndone"];

/** Runs with a guest that prints `answers`, one for each command; tells what it was asked for, and what was looked for. */
async function runWith(answers: readonly string[], isLive = false) {
  const commands: string[] = [];
  const pictures: Picture[] = [];
  const cursors: [number, number][] = [];
  const guest = {
    output(command: string): Promise<string> {
      commands.push(command);
      return Promise.resolve(answers[commands.length - 1]!);
    },
  };
  await runThreeD(guest, OFFERS, {
    isLive,
    assertPicture: (picture) => Promise.resolve(void pictures.push(picture)),
    assertCursor: (_, x, y) => Promise.resolve(void cursors.push([x, y])),
  });
  return { commands, pictures, cursors };
}

Deno.test("runThreeD tells the program what the device has, and looks at what it shows at each step", async () => {
  const { commands, pictures, cursors } = await runWith(ANSWERS);

  assertEquals(commands[0], "begin three_d cross-device foreign");
  assertEquals(commands.slice(1), new Array(11).fill("step three_d"));
  assertEquals(pictures.length, 6);
  assertEquals(comparePictures(pictures[2]!, patternPicture(92, 1024, 768)), undefined);
  assertEquals(cursors, [[40, 30]]);
});

Deno.test("runThreeD looks for what was drawn without a word where the memory itself is shown", async () => {
  const told = (await runWith(ANSWERS)).pictures[1]!;
  const drawn = (await runWith(ANSWERS, true)).pictures[1]!;

  assertEquals(comparePictures(drawn, told), "100 of 786432 pixels differ, the first at 600,600");
});

const wrong: { name: string; answers: string[]; message: string }[] = [
  {
    name: "a check fails",
    answers: [GROUPS[0]!, GROUPS[1]!.replace("PASS copy", "FAIL copy: a word that is copied, got 1, wanted 2")],
    message: "FAIL copy: a word that is copied, got 1, wanted 2",
  },
  { name: "a check is left out", answers: [GROUPS[0]!, GROUPS[1]!.replace("PASS fill\n", "")], message: "PASS fill" },
  {
    name: "the program ends early",
    answers: [...GROUPS, "FAIL ADDFB2 errno 22\ndone"],
    message: "FAIL ADDFB2 errno 22",
  },
  { name: "a step is another one", answers: [...GROUPS, ANSWERS[6]!], message: "PASS scanout-host-blob" },
];
for (const { name, answers, message } of wrong) {
  Deno.test(`runThreeD rejects when ${name}`, async () => {
    await assertRejects(() => runWith(answers), Error, message);
  });
}
