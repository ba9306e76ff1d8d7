import { Store } from "./store";

/** The gateway's clock: ages of events are differences of its moments. The browser's clock may be wrong. */

/** The gateway's time in ms since 1970, minus that of `performance.now()`. */
let offset = Date.now() - performance.now();

/** Takes the gateway's time from an answer that has just arrived. */
export function setGatewayTime(moment: string): void {
  const time = Date.parse(moment);
  if (!Number.isNaN(time)) offset = time - performance.now();
}

/** Returns the gateway's time in ms since 1970. */
export function gatewayTime(): number {
  return offset + performance.now();
}

/** Is set once a second while the page is visible, for texts that contain an age. */
export const second = new Store(0);

setInterval(() => {
  if (document.visibilityState === "visible") second.set(second.get() + 1);
}, 1000);
