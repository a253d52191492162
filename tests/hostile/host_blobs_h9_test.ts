/** H9: a host blob that ends while everything uses it, in every order, and with a reset after every step. */

import { assertEquals } from "@std/assert";
import {
  buildDefaultBlob,
  buildHostBlob,
  checkScene,
  type Ending,
  ENDINGS,
  type Footprint,
  footprint,
  HIDE_CURSOR,
  makeSceneMachine,
  mapAnother,
  restart,
  type SceneMachine,
  SWAP_PAGES,
  UNMAP,
} from "./host_blob_scene.ts";

/** Calls `visit` with every order of `endings`, and with every beginning of one. */
function forEachOrder(
  endings: readonly Ending[],
  visit: (order: readonly Ending[]) => void,
  before: Ending[] = [],
): number {
  visit(before);
  let count = 1;
  for (const ending of endings) {
    count += forEachOrder(endings.filter((other) => other !== ending), visit, [...before, ending]);
  }
  return count;
}

/** Builds the scene, ends it in this order, and resets: nothing may be left. */
function run(
  machine: SceneMachine,
  build: (machine: SceneMachine) => ReturnType<typeof buildHostBlob>,
  order: readonly Ending[],
  empty: Footprint,
): void {
  const scene = build(machine);
  for (const ending of order) {
    ending.act(machine, scene);
    checkScene(machine, scene);
  }
  assertEquals(restart(machine), empty);
}

const scenes = [
  { name: "A host blob", build: buildHostBlob, endings: [...ENDINGS, UNMAP] },
  { name: "A default blob", build: buildDefaultBlob, endings: [...ENDINGS, ...SWAP_PAGES.slice(0, 1)] },
  {
    name: "A default blob that gets other pages",
    build: buildDefaultBlob,
    endings: [...ENDINGS.slice(0, 4), ...SWAP_PAGES],
  },
  { name: "A host blob that is a cursor", build: buildHostBlob, endings: [...ENDINGS.slice(0, 4), UNMAP, HIDE_CURSOR] },
];
for (const { name, build, endings } of scenes) {
  const names = endings.map((ending) => ending.name).join(", ");
  Deno.test(`H9: ${name} ends in every order, and with a reset at every point: ${names}`, async () => {
    const machine = await makeSceneMachine();
    const empty = restart(machine);
    const count = forEachOrder(endings, (order) => {
      try {
        run(machine, build, order, empty);
      } catch (error) {
        throw new Error(`The order was: ${order.map((ending) => ending.name).join(", ")}`, { cause: error });
      }
    });
    assertEquals(count, 1957); // 6! orders, and their beginnings
  });
}

Deno.test("H9: a blob gives all memory and its place in the window back by unref, in whatever order the rest ends, without a reset", async () => {
  const machine = await makeSceneMachine();
  restart(machine);
  const orders: Ending[][] = [];
  forEachOrder([...ENDINGS, UNMAP], (order) => order.length === 6 && orders.push([...order]));
  for (const order of orders) {
    const empty = restart(machine);
    const scene = buildHostBlob(machine);
    for (const ending of order) ending.act(machine, scene);
    const text = order.map((ending) => ending.name).join(", ");
    assertEquals(footprint(machine), { ...empty, contexts: 1 }, text);
    assertEquals(mapAnother(machine), "OK_MAP_INFO", text);
  }
});
