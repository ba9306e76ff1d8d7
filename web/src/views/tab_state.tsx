import { useEffect } from "preact/hooks";
import { shapePath } from "../components/icon";
import type { Severity } from "../model/severity";
import { connection, isStale } from "../state/connection";
import { overview } from "../state/overview";
import { route } from "../state/route";
import { useStore } from "../state/store";
import { second } from "../state/time";
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

function setIcon(icon: string): void {
  if (icon === shown) return;
  shown = icon;
  document.querySelector('link[rel="icon"]')?.setAttribute("href", icon);
}

/** Sets the title and the icon, also when nothing happens but that the data becomes old. */
export function TabState() {
  useStore(second);
  const data = useStore(overview);
  const open = useStore(route);
  const isUnknown = data.gateway === undefined;
  const isGone = isUnknown || isStale(useStore(connection));
  const { severity, text } = overallState(data);
  const place = open.view === "upstream" ? open.name : location.host;
  const state = isGone ? (isUnknown ? "" : "No answer") : text;
  useEffect(() => {
    document.title = [state, place, "Sluice"].filter((part) => part !== "").join(" · ");
    setIcon(iconOf(isGone ? "gone" : severity));
  }, [state, place, isGone, severity]);
  return null;
}
