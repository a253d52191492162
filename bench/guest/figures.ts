/**
 * Prints how fast one guest program, `fill`, draws on a 1024x768 screen by three ways to RGBA: our device with blobs,
 * without, and v86's own VGA. Each has a guest of its own; they take turns. `deno task figures [rounds] [pictures]` writes
 * docs/figures.md.
 */
import { bochsVga, type Contender, virtioGpu } from "./contenders.ts";

/** What one run of one guest gave. */
interface Run {
  /** Whole screens that were filled and shown in a second. */
  readonly screens: number;
  /** Squares of 64x64 pixels. */
  readonly squares: number;
  /** Part of the run's time that the host spent on the way, 0 to 1. */
  readonly hostShare: number;
}

/** v86 goes on compiling the guest's kernel for some thousands of pictures; until then it interprets. */
const WARM_UP_PICTURES = 4000;

const rounds = Number(Deno.args[0] ?? 9);
const pictures = Number(Deno.args[1] ?? 400);

const contenders = [
  await virtioGpu("virtio-gpu with blobs", true),
  await virtioGpu("virtio-gpu without blobs", false),
  await bochsVga("v86's VGA (bochs)"),
];
for (const contender of contenders) await fill(contender, WARM_UP_PICTURES);
const runs = contenders.map((): Run[] => []);
for (let round = 0; round < rounds; round++) {
  for (const [index, contender] of contenders.entries()) runs[index]!.push(await fill(contender, pictures));
}

const medians = runs.map((all) => ({
  screens: median(all.map(({ screens }) => screens)),
  squares: median(all.map(({ squares }) => squares)),
  hostShare: median(all.map(({ hostShare }) => hostShare)),
}));
const vga = medians.at(-1)!;
const lines = [
  "|                          | screens/s | x VGA | 64x64 squares/s | x VGA | host's share |",
  "| ------------------------ | --------: | ----: | --------------: | ----: | -----------: |",
];
for (const [index, { name }] of contenders.entries()) {
  const { screens, squares, hostShare } = medians[index]!;
  const cells = [
    name.padEnd(24),
    screens.toFixed(0).padStart(9),
    (screens / vga.screens).toFixed(2).padStart(5),
    squares.toFixed(0).padStart(15),
    (squares / vga.squares).toFixed(2).padStart(5),
    `${(hostShare * 100).toFixed(0)} %`.padStart(12),
  ];
  lines.push(`| ${cells.join(" | ")} |`);
}
lines.push("", ...contenders.map(({ name, report }) => `- ${name}: ${report()}`));
for (const { close } of contenders) await close();
await Deno.writeTextFile("docs/figures.md", page(lines));
console.log(lines.join("\n"));

/** The page that keeps the figures: what was run, and how. */
function page(table: readonly string[]): string {
  return `# Figures

Made by \`deno task figures ${rounds} ${pictures}\` on ${new Date().toISOString().slice(0, 10)}, load ${
    Deno.loadavg()[0]!.toFixed(1)
  } on ${navigator.hardwareConcurrency} processors. Only the ratios mean
something: machines differ, and share their processors.

One guest program, \`fill\`, on a Debian guest in v86, 1024x768: whole screens that are filled and shown, then squares of
64x64, with the conversion to RGBA by the host. Medians of ${rounds} interleaved runs of ${pictures} pictures, after
${WARM_UP_PICTURES} that let v86 compile the guest's kernel. The VGA is asked to convert 60 times a second, as a page would; how often it
came to that is said below. Its squares are plain writes to memory, where each of ours is a command and an interrupt.

${table.join("\n")}
`;
}

/** Lets one guest run the program, while the others stand still. */
async function fill({ run, hostMilliseconds }: Contender, count: number): Promise<Run> {
  const started = performance.now();
  const before = hostMilliseconds();
  const output = await run(`fill ${count}`);
  const hostShare = (hostMilliseconds() - before) / (performance.now() - started);
  const [screens, squares] = [...output.matchAll(/(\d+) per second/g)].map(([, rate]) => Number(rate));
  return { screens: screens!, squares: squares!, hostShare };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
