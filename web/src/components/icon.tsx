import type { Severity } from "../model/severity";
import type { ServerState } from "../model/types";

/** States as shapes, so that colour is never the only signal. */

type Shape = Severity | ServerState;

/** The shapes on a field of 12 by 12. */
const PATHS: Record<Shape, string> = {
  ok: "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9z",
  up: "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9z",
  warning: "M6 .8L11.6 11H.4z M5.4 4.4l.2 3.4h.8l.2-3.4z M6 8.5a.65.65 0 1 0 0 1.3a.65.65 0 0 0 0-1.3z",
  unavail: "M6 .8L11.6 11H.4z M5.4 4.4l.2 3.4h.8l.2-3.4z M6 8.5a.65.65 0 1 0 0 1.3a.65.65 0 0 0 0-1.3z",
  critical:
    "M3.7.5h4.6L11.5 3.7v4.6L8.3 11.5H3.7L.5 8.3V3.7z M3.7 4.6L5.1 6L3.7 7.4l.9.9L6 6.9l1.4 1.4l.9-.9L6.9 6l1.4-1.4l-.9-.9L6 5.1L4.6 3.7z",
  unhealthy:
    "M3.7.5h4.6L11.5 3.7v4.6L8.3 11.5H3.7L.5 8.3V3.7z M3.7 4.6L5.1 6L3.7 7.4l.9.9L6 6.9l1.4 1.4l.9-.9L6.9 6l1.4-1.4l-.9-.9L6 5.1L4.6 3.7z",
  notice: "M6 1a5 5 0 1 0 0 10a5 5 0 0 0 0-10z M6 2.6a3.4 3.4 0 1 1 0 6.8a3.4 3.4 0 0 1 0-6.8z",
  draining: "M6 1a5 5 0 1 0 0 10a5 5 0 0 0 0-10z M6 2.5a3.5 3.5 0 0 1 0 7z",
  down: "M1.5 1.5h9v9h-9z M3.1 3.1v5.8h5.8V3.1z",
  checking: "M4.5 1.2h3v2h-3z M4.5 8.8h3v2h-3z M1.2 4.5h2v3h-2z M8.8 4.5h2v3h-2z",
};

/** Returns the path of a shape, for the favicon too. */
export function shapePath(shape: Shape): string {
  return PATHS[shape];
}

/** A shape. `label`: what it says to someone who cannot see it; undefined: a text beside it says the same. */
export function Icon({ shape, label, size = 12 }: { shape: Shape; label?: string; size?: number }) {
  const name = label === undefined ? { "aria-hidden": true } : { role: "img" as const, "aria-label": label };
  return (
    <svg class={`icon tone-${shape}`} viewBox="0 0 12 12" width={size} height={size} {...name}>
      <path d={PATHS[shape]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
