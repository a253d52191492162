import { assertEquals } from "@std/assert";
import type { Picture } from "../../src/display/memory_display.ts";
import { patternPicture, withColor, withPattern } from "./guest_pattern.ts";

/** A guest whose driver is loaded, in any emulator. */
export interface ThreeDGuest {
  /** Runs a shell command that must succeed, and gives its output without the last line's end. */
  output(command: string): Promise<string>;
}

/** What the guest's device has besides the reference renderer. */
export interface ThreeDOffers {
  /** Whether the guest can map host blobs. */
  readonly isHostVisible: boolean;
  /** Whether resources have UUIDs (RESOURCE_UUID). */
  readonly hasUuids: boolean;
}

/** Looks at what the guest's device shows, on one output of 1024x768. */
export interface ThreeDViewer {
  /** Whether what is shown is the memory as it is: what was drawn without a word, too. */
  readonly isLive: boolean;
  /** Asserts that this is shown. */
  assertPicture(picture: Picture): Promise<void>;
  /** Asserts that this cursor is shown, with its top left pixel there. */
  assertCursor(image: Picture, x: number, y: number): Promise<void>;
}

const CONTEXTS = "params caps-one caps-two caps-unknown context-init context-init-refused contexts-of-two-files";
const RESOURCES = [
  "transfer-buffer transfer-part transfer-refused transfer-box transfer-level-1 transfer-level-2 transfer-box-back",
  "transfer-layers fill copy fill-rect stream-4k stream-200k",
].join(" ");
const BLOBS = "host-blob host-blob-transfer default-blob default-image";
const MAPPED_BLOBS = [
  "mapped-blob-read mapped-blob-write mapped-blob-again late-blob many-blobs",
  "unknown-object used-object foreign-object",
].join(" ");
const FENCES = [
  "fence-order-between-rings fence-order-in-ring fences-of-64-rings fence-without-ring fence-in fence-event",
  "busy-resource lost-context destroyed-context",
].join(" ");
const SHARING = "share-3d-resource share-host-blob share-default-blob";
const END = "left-open";

const WIDTH = 1024;
const HEIGHT = 768;
const GREEN = 0x00ff00;
const TOLD = { x: 300, y: 200, width: 150, height: 70 };
const UNTOLD = { x: 600, y: 600, width: 10, height: 10 };
const CURSOR = patternPicture(94, 64, 64);

/** A step that the program shows, and what is then to be seen. */
interface Step {
  readonly name: string;
  readonly picture: Picture;
}

/**
 * Runs the guest's program three_d, which uses the reference renderer in every way that Linux's virtgpu interface has, and
 * asserts that it passes every check and that its pictures and its cursor are shown. It leaves everything open when it ends:
 * the guest's kernel gives it back a moment later.
 */
export async function runThreeD(guest: ThreeDGuest, offers: ThreeDOffers, viewer: ThreeDViewer): Promise<void> {
  let command = `begin three_d ${argsOf(offers)}`;
  for (const names of threeDGroups(offers)) {
    assertChecks(await guest.output(command), names, "ready");
    command = "step three_d";
  }
  for (const { name, picture } of stepsOf(offers, viewer.isLive)) {
    assertChecks(await guest.output("step three_d"), [name], "ready");
    await viewer.assertPicture(picture);
  }
  await viewer.assertCursor(CURSOR, 40, 30);
  assertChecks(await guest.output("step three_d"), [END], "done");
}

/**
 * What the device reports to `onGuestError` while the program runs, as "COMMAND: reason", sorted: the kernel sends some of
 * these commands from a worker. All of it is meant.
 */
export function threeDErrors({ isHostVisible }: ThreeDOffers): string[] {
  const missing = isHostVisible ? 3 : 0; // blobs of objects that are not there
  const noResource = "there is no such resource";
  return [
    "TRANSFER_TO_HOST_3D: the box is not inside the level of the resource",
    "TRANSFER_FROM_HOST_3D: the box's bytes do not all lie in the backing",
    "SUBMIT_3D: the context is lost: the renderer has given it up",
    ...times(missing, "RESOURCE_CREATE_BLOB: the context has no object under this blob id"),
    ...["RESOURCE_MAP_BLOB", "CTX_ATTACH_RESOURCE", "CTX_DETACH_RESOURCE", "RESOURCE_UNMAP_BLOB", "RESOURCE_UNREF"]
      .flatMap((command) => times(missing, `${command}: ${noResource}`)),
  ].sort();
}

/** The program's checks that show nothing, in its order and in groups, after each of which it waits. */
export function threeDGroups({ isHostVisible }: ThreeDOffers): string[][] {
  const guestBlob = (name: string) => `${name} ${name}-copy`;
  const blobs = `${guestBlob("guest-blob")} ${BLOBS} ${isHostVisible ? MAPPED_BLOBS : "no-window"}`;
  const sharing = `${SHARING} ${guestBlob("share-guest-blob")}${isHostVisible ? " share-mapped-blob" : ""}`;
  return [CONTEXTS, RESOURCES, blobs, FENCES, sharing].map((names) => names.split(" "));
}

function argsOf({ isHostVisible, hasUuids }: ThreeDOffers): string {
  const args = [isHostVisible && "host-visible", hasUuids && "cross-device", "foreign"];
  return args.filter((arg) => arg !== false).join(" ");
}

function stepsOf({ isHostVisible }: ThreeDOffers, isLive: boolean): Step[] {
  const filled = (picture: Picture) => {
    const told = withColor(picture, GREEN, TOLD);
    return isLive ? withColor(told, GREEN, UNTOLD) : told;
  };
  const [hostBlob, resource] = [patternPicture(90, WIDTH, HEIGHT), patternPicture(93, WIDTH, HEIGHT)];
  const mapped = withPattern(filled(hostBlob), 91, { x: 10, y: 20, width: 30, height: 40 });
  return [
    { name: "scanout-host-blob", picture: hostBlob },
    { name: "scanout-host-blob-damage", picture: filled(hostBlob) },
    ...(isHostVisible ? [{ name: "scanout-mapped-blob", picture: mapped }] : []),
    { name: "scanout-default-blob", picture: patternPicture(92, WIDTH, HEIGHT) },
    { name: "scanout-3d-resource", picture: resource },
    { name: "scanout-3d-resource-damage", picture: filled(resource) },
    { name: "cursor-host-blob", picture: filled(resource) },
  ];
}

/** Asserts that the program says that these checks pass, and nothing else before it waits or ends. */
function assertChecks(output: string, names: readonly string[], end: "ready" | "done"): void {
  assertEquals(output.split("\n"), [...names.map((name) => `PASS ${name}`), end]);
}

function times(count: number, text: string): string[] {
  return new Array<string>(count).fill(text);
}
