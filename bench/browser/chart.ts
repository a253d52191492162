import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { CONTENDERS, WORKLOADS } from "./contenders.ts";
import type { Figures } from "./measure.ts";

interface Bar {
  readonly workload: string;
  readonly contender: string;
  readonly ratio: number;
  readonly drawnLabel: string;
  readonly shown: number;
  readonly shownLabel: string;
}

/** Of the contenders. */
const COLORS = ["#1b6ca8", "#5aa9e6", "#b9d6f2", "#9a9a9a"];
/** The widest label, in the pixels that vega guesses where it has no canvas to measure text with: too many. */
const LABEL_LIMIT = 400;

/**
 * The figures as an SVG: how often as fast as on v86's VGA the guest draws, and how many pictures a second reach the canvas;
 * for each workload a bar for each contender.
 */
export async function chart({ figures }: Figures): Promise<string> {
  const view = new View(parse(compile(specification(bars(figures))).spec), { renderer: "none" });
  return `${await view.toSVG()}\n`;
}

function bars(figures: Figures["figures"]): Bar[] {
  return WORKLOADS.flatMap(({ name }, workload) =>
    CONTENDERS.map((contender, index) => {
      const { ratio, rate, shown } = figures[workload]![index]!;
      return {
        workload: name,
        contender: contender.name,
        ratio,
        drawnLabel: `${ratio.toFixed(2)} x  ${contender.shortName}, ${rate.toFixed(0)} a second`,
        shown,
        shownLabel: shown.toFixed(0),
      };
    })
  );
}

function specification(values: Bar[]): TopLevelSpec {
  return {
    data: { values },
    title: {
      text: "A Debian guest's pictures in Chromium, 1024x768",
      subtitle: "1 x is v86's own VGA in the same page",
      anchor: "start",
      offset: 12,
    },
    background: "white",
    padding: 12,
    spacing: 24,
    hconcat: [
      panel("drawn by the guest", "ratio", "drawnLabel", 360, true),
      panel("on the canvas, a second", "shown", "shownLabel", 140, false),
    ],
    config: {
      font: "sans-serif",
      axis: { labelFontSize: 12, gridColor: "#e6e6e6" },
      text: { fontSize: 11 },
      title: { fontSize: 14, subtitleFontSize: 12 },
      scale: { bandWithNestedOffsetPaddingInner: 0.25 },
      view: { stroke: null },
    },
  } as TopLevelSpec;
}

function panel(title: string, field: string, label: string, width: number, hasNames: boolean) {
  const axis = { title: null, domain: false, ticks: false, labelPadding: 8, labelLimit: LABEL_LIMIT };
  const order = CONTENDERS.map(({ name }) => name);
  const color = { field: "contender", scale: { domain: order, range: COLORS }, legend: null };
  return {
    title: { text: title, anchor: "start", frame: "group", fontSize: 12, fontWeight: "normal" },
    width,
    height: { step: 16 },
    encoding: {
      y: { field: "workload", type: "nominal", sort: null, axis: hasNames ? axis : null },
      yOffset: { field: "contender", sort: order },
      x: { field, type: "quantitative", scale: { domainMin: 0 }, axis: { title: null, tickMinStep: 1, tickCount: 5 } },
    },
    layer: [
      { mark: { type: "bar", height: { band: 0.9 } }, encoding: { color } },
      { mark: { type: "text", align: "left", dx: 4 }, encoding: { text: { field: label } } },
    ],
  };
}
