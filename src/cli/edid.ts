import { Command, InvalidArgumentError } from "commander";
import { EDID_MAX_BYTES, writeEdid } from "../protocol/edid.ts";
import type { TextOutput } from "./terminal.ts";

const EXAMPLES = `
Examples:
  scanout edid 1280x800 | edid-decode
  scanout edid 3840x2160 --hex`;

/** `scanout edid`: writes to `output` the EDID by which a guest would find a monitor of some size. */
export function edidCommand(output: TextOutput): Command {
  return new Command("edid")
    .description("write the EDID of a monitor, as the device tells it to a guest")
    .argument("<WIDTHxHEIGHT>", "size of the monitor in pixels, such as 1280x800", parseEdid)
    .option("--hex", "write hexadecimal digits, 16 bytes a line")
    .addHelpText("after", EXAMPLES)
    .action((edid: Uint8Array, { hex = false }: { hex?: boolean }) => {
      output.write(hex ? new TextEncoder().encode(hexLines(edid)) : edid);
    });
}

function parseEdid(text: string): Uint8Array {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (width === undefined) throw new InvalidArgumentError("It must be a width and a height, such as 1280x800.");
  const bytes = new Uint8Array(EDID_MAX_BYTES);
  try {
    const length = writeEdid(bytes, 0, { widthPixels: Number(width), heightPixels: Number(height), index: 0 });
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}

function hexLines(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/.{32}/g, "$&\n");
}
