import { assertEquals } from "@std/assert";
import { scanCodes } from "../../../examples/v86/scan_codes.ts";

const KEYS = [
  { key: "Escape", down: [0x01], up: [0x81] },
  { key: "Tab", down: [0x0f], up: [0x8f] },
  { key: "ControlLeft", down: [0x1d], up: [0x9d] },
  { key: "Backslash", down: [0x2b], up: [0xab] },
  { key: "CapsLock", down: [0x3a], up: [0xba] },
  { key: "NumpadSubtract", down: [0x4a], up: [0xca] },
  { key: "NumpadDecimal", down: [0x53], up: [0xd3] },
  { key: "F12", down: [0x58], up: [0xd8] },
  { key: "ControlRight", down: [0xe0, 0x1d], up: [0xe0, 0x9d] },
  { key: "PageUp", down: [0xe0, 0x49], up: [0xe0, 0xc9] },
  { key: "Delete", down: [0xe0, 0x53], up: [0xe0, 0xd3] },
  { key: "ContextMenu", down: [0xe0, 0x5d], up: [0xe0, 0xdd] },
  { key: "LaunchMail", down: [], up: [] },
];

for (const { key, down, up } of KEYS) {
  Deno.test(`scanCodes gives what a PC's keyboard sends for ${key}, and nothing for keys that it lacks`, () => {
    assertEquals(scanCodes(key, true), down);
    assertEquals(scanCodes(key, false), up);
  });
}
