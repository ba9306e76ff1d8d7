/** The colours and fonts of the plots, which follow the reader's light or dark scheme. */

/** Colours of the series in the light and in the dark scheme; the first one stands out. */
const COLORS = [
  ["#0969da", "#58a6ff"],
  ["#cf222e", "#ff7b72"],
  ["#1a7f37", "#3fb950"],
  ["#bc4c00", "#f0883e"],
  ["#8250df", "#bc8cff"],
  ["#0e7490", "#39c5cf"],
  ["#9a6700", "#d29922"],
  ["#6e7781", "#8b949e"],
];

/** @param {number} scheme 0: light, 1: dark @param {string} ink @param {string} grid @param {string} paper */
function variables(scheme, ink, grid, paper) {
  const series = COLORS.map((color, index) => `--s${index}:${color[scheme]}`).join(";");
  return `svg{--ink:${ink};--grid:${grid};--paper:${paper};${series}}`;
}

/** The style of a drawing: series `n` has the colour `var(--s<n>)`. */
export const STYLE = [
  variables(0, "#24292f", "#d8dee4", "#ffffff"),
  `@media (prefers-color-scheme:dark){${variables(1, "#d1d7e0", "#3d444d", "#0d1117")}}`,
  "text{fill:var(--ink);font:11px sans-serif}.title{font-weight:bold;font-size:12px}",
  ".grid{stroke:var(--grid)}.end{text-anchor:end}.middle{text-anchor:middle}polyline{fill:none}",
].join("");
