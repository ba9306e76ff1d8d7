import { shapePath } from "../components/icon";
import type { Route } from "../model/route";
import type { Severity } from "../model/severity";
import { isStale, type Connection } from "../state/connection";
import type { Overview } from "../state/overview";
import { overallState } from "./overview/summary";

/** The title and the icon of the browser's tab show the state of everything. */

/** Colours that are visible on light and on dark tabs. */
const COLOURS: Record<Severity | "gone", string> = {
  ok: "#2da44e",
  notice: "#2da44e",
  warning: "#d4920a",
  critical: "#e5484d",
  gone: "#8b949e",
};

let shown = "";

function iconOf(state: Severity | "gone"): string {
  const shape = state === "gone" ? "notice" : state === "notice" ? "ok" : state;
  const path = `<path fill="${COLOURS[state]}" fill-rule="evenodd" d="${shapePath(shape)}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 12">${path}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Sets the title and the icon. */
export function showState(data: Overview, connection: Connection, route: Route): void {
  const isGone = data.gateway === undefined || isStale(connection);
  const { severity, text } = overallState(data);
  const place = route.view === "upstream" ? route.name : location.host;
  const state = isGone ? (data.gateway === undefined ? "" : "No answer") : text;
  document.title = [state, place, "Sluice"].filter((part) => part !== "").join(" · ");
  const icon = iconOf(isGone ? "gone" : severity);
  if (icon === shown) return;
  shown = icon;
  document.querySelector('link[rel="icon"]')?.setAttribute("href", icon);
}
