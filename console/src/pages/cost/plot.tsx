import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Costs } from "./data.js";
import { type Line, linesOf } from "./series.js";

/** Lines of different kinds differ by their dashes, so that no colour is needed to read the plot. */
const DASHES: Record<Line["kind"], number[]> = { running: [], "soft-deleted": [10, 5], forecast: [2, 5] };
const SECONDS = 1000;
const HEIGHT = 320;

/** Colours for light and dark grounds, with a contrast of at least 3. Soft-deleted time has a colour of its own. */
const PALETTES = {
  light: { text: "#1a2230", grid: "#d3d9e2", deleted: "#c2410c", lines: ["#1d5bb0", "#1c7a45", "#7a3fb0", "#0f7a86", "#8a6a00", "#b02a6f"] },
  dark: { text: "#e6eaf1", grid: "#364152", deleted: "#ff9d5c", lines: ["#86b6f5", "#7fd0a0", "#c9a2f2", "#6fd0da", "#e3c665", "#f29ac6"] },
};

type Palette = (typeof PALETTES)["light"];

interface Budget {
  /** Its name, and what it covers. */
  readonly name: string;
  readonly amount: number;
}

/** The plot of accrued cost. The tables beside it have the same numbers. */
export function CostPlot({ costs, budgets, summary }: { costs: Costs; budgets: readonly Budget[]; summary: string }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = element.current;
    if (target === null) {
      return undefined;
    }
    const dark = matchMedia("(prefers-color-scheme: dark)");
    let plot = draw(target, costs, budgets, dark.matches);
    const redraw = () => {
      plot.destroy();
      plot = draw(target, costs, budgets, dark.matches);
    };
    const resize = new ResizeObserver(() => plot.setSize({ width: width(target), height: HEIGHT }));
    resize.observe(target);
    dark.addEventListener("change", redraw);
    return () => {
      resize.disconnect();
      dark.removeEventListener("change", redraw);
      plot.destroy();
    };
  }, [costs, budgets]);
  return <div class="plot" ref={element} role="img" aria-label={summary} />;
}

const width = (element: HTMLElement) => Math.max(200, element.clientWidth - 16);

function draw(target: HTMLElement, costs: Costs, budgets: readonly Budget[], dark: boolean): uPlot {
  const palette = dark ? PALETTES.dark : PALETTES.light;
  const lines = linesOf(costs);
  const instants = [...new Set([costs.from, costs.to, ...lines.flatMap(({ points }) => [...points.keys()])])].sort((a, b) => a - b);
  const data: uPlot.AlignedData = [
    instants.map((instant) => instant / SECONDS),
    ...lines.map(({ points }) => instants.map((instant) => points.get(instant) ?? null)),
  ];
  const top = Math.max(1, ...lines.flatMap(({ points }) => [...points.values()]), ...budgets.map(({ amount }) => amount));
  const axis = { stroke: palette.text, grid: { stroke: palette.grid, width: 1 }, ticks: { stroke: palette.grid, width: 1 } };
  const options: uPlot.Options = {
    width: width(target),
    height: HEIGHT,
    padding: [16, 96, 0, 8],
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * SECONDS), "Etc/UTC"),
    scales: { x: { range: [costs.from / SECONDS, costs.to / SECONDS] }, y: { range: [0, top * 1.1] } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((tick) => new Date(tick * SECONDS).toISOString().slice(5, 10)) },
      { ...axis, size: 64, label: `Accrued ${costs.statement.currency}`, labelSize: 22 },
    ],
    series: [
      {},
      ...lines.map(
        ({ kind, colour }): uPlot.Series => ({
          stroke: kind === "soft-deleted" ? palette.deleted : lineColour(palette, colour),
          width: colour === undefined ? 3 : kind === "forecast" ? 1.5 : 2,
          dash: DASHES[kind],
          spanGaps: true,
          points: { show: false },
        }),
      ),
    ],
    hooks: { draw: [(plot) => label(plot, lines, budgets, palette)] },
  };
  return new uPlot(options, data, target);
}

function lineColour({ lines, text }: Palette, index: number | undefined): string {
  return index === undefined ? text : (lines[index % lines.length] ?? text);
}

/** Names the ends of the lines, and draws budgets across the plot. */
function label(plot: uPlot, lines: readonly Line[], budgets: readonly Budget[], palette: Palette): void {
  const { ctx } = plot;
  const ratio = uPlot.pxRatio;
  const { left, width: across } = plot.bbox;
  ctx.save();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const used: number[] = [];
  for (const { name, colour, points } of lines.filter(({ last }) => last)) {
    const [instant, value] = [...points].at(-1) ?? [0, 0];
    // Labels that would overlap move down.
    let y = plot.valToPos(value, "y", true);
    while (used.some((other) => Math.abs(other - y) < 13 * ratio)) {
      y += 13 * ratio;
    }
    used.push(y);
    ctx.fillStyle = lineColour(palette, colour);
    ctx.fillText(name, plot.valToPos(instant / SECONDS, "x", true) + 6 * ratio, y);
  }
  ctx.strokeStyle = palette.text;
  ctx.fillStyle = palette.text;
  ctx.lineWidth = ratio;
  ctx.setLineDash([14 * ratio, 4 * ratio, 2 * ratio, 4 * ratio]);
  for (const { name, amount } of budgets) {
    const y = plot.valToPos(amount, "y", true);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + across, y);
    ctx.stroke();
    ctx.fillText(`Budget ${name}`, left + 8 * ratio, y - 9 * ratio);
  }
  ctx.restore();
}

/** What the kinds of line mean. */
export function Legend() {
  const kinds: [string, string, string][] = [
    ["Running", "", ""],
    ["Soft-deleted", "10 5", "soft-deleted"],
    ["Forecast", "2 5", ""],
    ["Budget", "14 4 2 4", ""],
  ];
  return (
    <ul class="legend">
      {kinds.map(([title, dash, name]) => (
        <li key={title}>
          <svg class={name} width="44" height="8" aria-hidden="true" stroke="currentColor" stroke-width="2">
            <line x1="0" y1="4" x2="44" y2="4" stroke-dasharray={dash} />
          </svg>
          {title}
        </li>
      ))}
    </ul>
  );
}
