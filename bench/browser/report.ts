import { CONTENDERS, WORKLOADS } from "./contenders.ts";
import type { Figure, Figures } from "./measure.ts";

/** The text that stands before the figures in README.md, and behind them. */
const BEGIN = "<!-- figures: written by `deno task figures:page` -->";
const END = "<!-- end of figures -->";
const CHART = "How often as fast as on v86's VGA the guest draws, and how many pictures a second reach the canvas";

/** What README.md says of the figures, without the marks. */
export function section(figures: Figures): string {
  const head = ["a second, 1024x768", ...CONTENDERS.map(({ shortName }) => shortName)];
  const rows = WORKLOADS.map(({ name }, workload) => [
    name,
    ...figures.figures[workload]!.map(({ rate, ratio }) => `${number(rate)} (${ratio.toFixed(2)} x)`),
  ]);
  return `What a Debian guest draws in headless Chromium ${
    major(figures)
  }, on our device and on v86's own VGA in one page
(${circumstances(figures)}). Machines differ: only the ratios mean something.

${table(head, rows)}

![${CHART}](docs/pictures/figures.svg)

v86 carries out a guest's stores to the memory of its VGA one by one, and copies at once; nobody is told of them, and the
page looks for changes at its frames. Ours has plain memory and the kernel's virtio_gpu, to which each picture is about
25,000 to 30,000 instructions and an interrupt that it waits for: more than it costs to copy a small picture.
[docs/browser_figures.md](docs/browser_figures.md) has all figures, and how they were made. While the guest draws nothing,
we call nothing of a canvas and ask for no frame of the screen.`;
}

/** `text`, README.md, with the section between the marks. Throws `Error` where they are missing. */
export function withSection(text: string, figures: Figures): string {
  const [before, rest] = text.split(`${BEGIN}\n`);
  const after = rest?.split(`${END}\n`)[1];
  if (before === undefined || after === undefined) throw new Error(`Cannot write the figures: there is no ${BEGIN}`);
  return `${before}${BEGIN}\n\n${section(figures)}\n\n${END}\n${after}`;
}

/** docs/browser_figures.md. */
export function page(figures: Figures): string {
  const { rounds, milliseconds, version } = figures;
  return `# Figures in the browser

Made by \`deno task figures:page ${rounds} ${milliseconds}\` in Chromium ${version}, headless and without a GPU
(${circumstances(figures)}). Only the ratios mean something: machines differ, and share their processors.
[figures.md](figures.md) has such a guest without a page, under Deno.

![${CHART}](pictures/figures.svg)

One page has ${CONTENDERS.length} machines, each a Debian guest in v86 with a screen of 1024x768. They take turns: one runs, with its canvas
on the page, while the others stand still and are hidden. There were ${rounds} interleaved rounds of ${milliseconds} ms for each, after
a time in which v86 compiles most of the guest's code; each run waits a while for a quiet machine. Rates are upper quartiles,
since other work on the machine can only lessen them, and the rest medians. The ways from guest to canvas are

- virtio-gpu in a Worker: Linux's \`virtio_gpu\` with blobs, our device and \`CanvasDisplay\` on an OffscreenCanvas, all in a
  Worker together with v86;
- virtio-gpu on the main thread: the same with a canvas of the page;
- the same without blobs: the guest's pixels are copied at a transfer, and converted at a flush;
- v86's VGA: Linux's \`bochs\`, and v86's own screen adapter as v86 brings it, which draws on a canvas of the page. It needs
  the page's document, so it cannot be in a Worker. Our device is in that machine, too, since the saved guest has seen it
  at its boot; nobody drives it.

The columns: pictures (lines of the console) that the guest has drawn in a second, and how often that is the VGA's rate;
the guest's instructions for each by v86's own counter, which takes a repeated instruction for one; pictures that reached
the canvas in a second, at most the screen's 60, and megapixels of them; the part of the time that our device took,
conversion included, and that what is called at the screen's frames took: v86's VGA converts there.

${WORKLOADS.map((_, workload) => workloadText(figures, workload)).join("\n\n")}

## What the guest draws

\`bench/browser/guest/draw.c\`, the same program for all:

- **Full screens, filled**: stores one colour into the whole frame buffer and flushes it (DRM's DIRTYFB, which \`bochs\` has
  not and needs not). v86 carries out stores to the VGA's memory one by one, even of a repeated instruction. Its loop looks
  at the clock after so many instructions, so that such a guest also keeps the page from drawing.
- **Scrolled text, copied**: what a terminal emulator does. It keeps its picture in plain memory, scrolls it by a line,
  draws a line of 128 characters, copies all of it to the frame buffer by a repeated move and flushes. v86 has a short way
  for such copies to the VGA's memory. Each picture costs our side a conversion; the VGA converts what the screen shows.
- **Lines on the console**: 128 characters and a line's end, written to \`/dev/tty0\`, at the bottom of a screen of 48 lines.
  Linux draws all characters anew to scroll, in plain memory in both cases, which is most of the work. Meanwhile a kernel
  thread copies what has changed to the frame buffer, some twenty times a line, and on our device flushes it. These
  rates change while v86 compiles more of the kernel, and not equally far in each machine: with and without blobs the
  guest begins alike, has the same number of instructions for a line, and never stands still.
- **Squares of 64x64**: filled and flushed at another place each time. For the VGA that is a few stores. For us it is an
  atomic commit in the kernel, two commands in one notification, one interrupt, and a kernel thread that wakes the
  program up.

A flush by DIRTYFB is 25,000 to 30,000 instructions of the guest, which waits for the device's answer; the device answers before
the notification returns. Little of that is ours to shorten: without indirect descriptors or event indices it is 3 % less,
and an interrupt that is held back until v86 takes a turn makes 64x64 squares half as fast, since the guest then has
nothing to do.

While the guest draws nothing, whether it sleeps or computes, our side calls no method of a canvas and asks for no frame of
the screen: \`tests/external/browser_idle_test.ts\` counts them. v86's screen adapter looks for changes at each frame.
`;
}

function workloadText({ figures }: Figures, workload: number): string {
  const head = ["", "a second", "x VGA", "instructions", "on the canvas", "Mpixel/s", "device", "frames"];
  const rows = CONTENDERS.map(({ name }, index) => [name, ...cells(figures[workload]![index]!)]);
  return `## ${capitalized(WORKLOADS[workload]!.name)}\n\n${table(head, rows)}`;
}

function cells(figure: Figure): string[] {
  return [
    number(figure.rate),
    figure.ratio.toFixed(2),
    number(figure.instructions),
    number(figure.shown),
    number(figure.shownPixels / 1e6),
    percent(figure.deviceShare),
    percent(figure.frameShare),
  ];
}

function circumstances({ date, load, processors, rounds }: Figures): string {
  const [before, after] = load.map((value) => value.toFixed(1));
  return `${date}, ${rounds} rounds, load ${before} to ${after} on ${processors} processors, this program included`;
}

function major({ version }: Figures): string {
  return version.split(".")[0]!;
}

/** A table with its numbers to the right; `deno fmt` lays it out. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => column === 0 ? "-" : "-:");
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function capitalized(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
