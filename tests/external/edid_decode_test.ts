import { assertEquals, assertMatch } from "@std/assert";
import { EDID_MAX_BYTES, writeEdid } from "../../src/protocol/edid.ts";
import { EDID_MODES } from "../support/edid_modes.ts";

/** Runs `edid-decode --check` on an EDID and returns its report; throws where the program is missing. */
async function check(edid: Uint8Array): Promise<{ code: number; report: string }> {
  const file = await Deno.makeTempFile({ suffix: ".edid" });
  try {
    await Deno.writeFile(file, edid);
    const { code, stdout } = await new Deno.Command("edid-decode", { args: ["--check", file] }).output();
    return { code, report: new TextDecoder().decode(stdout) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("There is no edid-decode: apt-get install edid-decode", { cause: error });
  } finally {
    await Deno.remove(file);
  }
}

for (const { widthPixels, heightPixels, refreshHz } of EDID_MODES) {
  Deno.test(`edid-decode passes the EDID of ${widthPixels}x${heightPixels} at ${refreshHz} Hz`, async () => {
    const bytes = new Uint8Array(EDID_MAX_BYTES);
    const length = writeEdid(bytes, 0, { widthPixels, heightPixels, refreshHz, index: 0 });

    const { code, report } = await check(bytes.subarray(0, length));

    assertMatch(report, /EDID conformity: PASS/, report);
    assertEquals(code, 0);
  });
}
