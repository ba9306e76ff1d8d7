/**
 * Draws panels of lines or bars as SVG, without a library. Colours follow the reader's light or dark scheme.
 * All lengths are in pixels.
 *
 * @typedef {{ mean: number, min: number, max: number }} Spread
 * @typedef {{ name: string, color: number, points: { x: number, y: Spread }[] }} Line
 * @typedef {{ name: string, color: number, value: Spread, text: string }} Bar
 * @typedef {object} Panel
 * @property {string} title
 * @property {Line[]} [lines] of a panel with lines; places on the x axis are the positions in `ticks`
 * @property {string[]} [ticks] the names of the places
 * @property {string} [axis] the name of the x axis
 * @property {boolean} [isLogarithmic]
 * @property {Bar[]} [bars] of a panel with horizontal bars
 */

import { STYLE } from "./svg_style.mjs";

const WIDTH = 330;
const HEIGHT = 220;
const GAP = { x: 54, y: 62 };
const MARGIN = { left: 48, top: 20, right: 16 };
const BAR = { height: 15, step: 21, names: 190, values: 84 };
const LEGEND_STEP = 18;

/** @param {string} value */
const escaped = (value) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
/** @param {number} value */
const short = (value) => String(Math.round(value * 10) / 10);
/** @param {number} x @param {number} y @param {string} value @param {string} [kind] */
const text = (x, y, value, kind = "") =>
  `<text x="${short(x)}" y="${short(y)}"${kind && ` class="${kind}"`}>${escaped(value)}</text>`;

/** Returns the values of the grid lines: 1, 2 and 5 times powers of ten, or steps of such a number. */
function gridOf(
  /** @type {number} */ least,
  /** @type {number} */ most,
  /** @type {boolean} */ isLogarithmic,
) {
  const rounds = Array.from(
    { length: 24 },
    (_, index) => [1, 2, 5][index % 3] * 10 ** (Math.floor(index / 3) - 2),
  );
  if (!isLogarithmic) {
    const step = rounds.find((one) => most / one <= 6) ?? most;
    return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
  }
  const from = rounds.findLastIndex((one) => one <= least);
  const to = rounds.findIndex((one) => one >= most);
  return rounds.slice(Math.max(0, from), to + 1);
}

/** Draws lines, with the range of the seeds at each point. @param {Panel} panel */
function drawLines({ lines = [], ticks = [], axis = "", isLogarithmic = false }) {
  const values = lines.flatMap(({ points }) => points.flatMap(({ y }) => [y.min, y.max]));
  const grid = gridOf(Math.max(1e-2, Math.min(...values)), Math.max(...values, 1e-2), isLogarithmic);
  const scale = isLogarithmic ? (/** @type {number} */ value) => Math.log(Math.max(value, grid[0])) : Number;
  const [bottom, top] = [scale(grid[0]), scale(grid[grid.length - 1])];
  const height = (/** @type {number} */ value) => HEIGHT * (1 - (scale(value) - bottom) / (top - bottom));
  const place = (/** @type {number} */ x, shift = 0) => ((x + 0.5) * WIDTH) / ticks.length + shift;
  const rules = grid.map(
    (value) =>
      `<path class="grid" d="M0 ${short(height(value))}H${WIDTH}"/>${text(-6, height(value) + 4, short(value), "end")}`,
  );
  const names = ticks.map((name, index) => text(place(index), HEIGHT + 16, name, "middle"));
  const drawn = lines.map(({ color, points }, index) => {
    const shift = (index - lines.length / 2) * 1.5;
    const at = points.map(({ x, y }) => ({
      x: place(x, shift),
      y: height(y.mean),
      from: height(y.min),
      to: height(y.max),
    }));
    const ranges = at.map(({ x, from, to }) => `M${short(x)} ${short(from)}V${short(to)}`).join("");
    const dots = at.map(
      ({ x, y }) => `<circle cx="${short(x)}" cy="${short(y)}" r="2.5" fill="var(--s${color})"/>`,
    );
    const path = at.map(({ x, y }) => `${short(x)},${short(y)}`).join(" ");
    const stroke = `stroke="var(--s${color})"`;
    return [
      `<path d="${ranges}" ${stroke} stroke-opacity=".35"/>`,
      `<polyline points="${path}" ${stroke} stroke-width="${color === 0 ? 2.5 : 1.5}"/>`,
      ...dots,
    ].join("");
  });
  // The line that stands out is drawn last, on top.
  return [...rules, ...names, text(WIDTH / 2, HEIGHT + 32, axis, "middle"), ...drawn.reverse()].join("\n");
}

/** @param {Panel} panel */
function drawBars({ bars = [] }) {
  const most = Math.max(...bars.map(({ value }) => value.max), 1e-9);
  const width = WIDTH - BAR.names - BAR.values + GAP.x;
  return bars
    .map(({ name, color, value, text: label }, index) => {
      const y = index * BAR.step;
      const length = (/** @type {number} */ one) => BAR.names - MARGIN.left + (width * one) / most;
      const start = length(0);
      const middle = y + BAR.height / 2;
      return [
        text(start - 6, middle + 4, name, "end"),
        `<rect x="${start}" y="${y}" width="${short(length(value.mean) - start)}" height="${BAR.height}" fill="var(--s${color})"/>`,
        `<path d="M${short(length(value.min))} ${middle}H${short(length(value.max))}" stroke="var(--ink)"/>`,
        text(length(value.max) + 5, middle + 4, label),
      ].join("");
    })
    .join("\n");
}

/** Returns the height of the drawing of a panel. @param {Panel} panel */
const heightOf = ({ bars }) => (bars === undefined ? HEIGHT + 24 : bars.length * BAR.step);

/**
 * Returns an SVG of panels with a legend of the lines above them.
 * @param {string} title @param {Panel[]} panels @param {number} columns
 */
export function drawPanels(title, panels, columns) {
  const series = new Map(panels.flatMap(({ lines = [] }) => lines.map(({ name, color }) => [name, color])));
  const width = columns * (WIDTH + GAP.x) + MARGIN.left + MARGIN.right - GAP.x + 34;
  const perRow = Math.max(1, Math.floor((width - MARGIN.left) / 190));
  const legend = [...series].map(([name, color], index) => {
    const x = MARGIN.left + (index % perRow) * 190;
    const y = MARGIN.top + 18 + Math.floor(index / perRow) * LEGEND_STEP;
    return `<rect x="${x}" y="${y}" width="12" height="12" fill="var(--s${color})"/>${text(x + 17, y + 10, name)}`;
  });
  let top = MARGIN.top + 34 + Math.ceil(series.size / perRow) * LEGEND_STEP;
  const drawn = [];
  for (let first = 0; first < panels.length; first += columns) {
    const row = panels.slice(first, first + columns);
    for (const [column, panel] of row.entries()) {
      const body = panel.bars === undefined ? drawLines(panel) : drawBars(panel);
      const x = MARGIN.left + column * (WIDTH + GAP.x);
      drawn.push(
        `<g transform="translate(${x} ${top + 12})">${text(0, -10, panel.title, "title")}\n${body}</g>`,
      );
    }
    top += Math.max(...row.map(heightOf)) + GAP.y;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top - 20}" width="${width}" height="${top - 20}" role="img">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style>`,
    '<rect width="100%" height="100%" fill="var(--paper)"/>',
    ...[text(MARGIN.left, MARGIN.top, title, "title"), ...legend, ...drawn],
    "</svg>\n",
  ].join("\n");
}
