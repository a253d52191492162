import { Fuzzer } from "../support/fuzz/fuzzer.ts";

const commands = Number(Deno.env.get("SCANOUT_FUZZ_COMMANDS") ?? 100_000);
const seed = Number(Deno.env.get("SCANOUT_FUZZ_SEED") ?? 20_260_921);

Deno.test(`A device survives ${commands} commands of hostile guests (SCANOUT_FUZZ_SEED=${seed})`, async () => {
  const fuzzer = await Fuzzer.make();
  const began = performance.now();
  const { accepted, ends } = fuzzer.run(commands, seed);
  const perSecond = Math.round(commands / (performance.now() - began) * 1000);
  console.log(`${commands} commands, ${accepted} carried out, ${JSON.stringify(ends)}, ${perSecond}/s`);
});
