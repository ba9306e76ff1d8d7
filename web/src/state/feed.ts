import { getLong, Refusal } from "../api/client";
import { upstreamPath } from "../model/paths";
import type { GatewayStatus, UpstreamStatus } from "../model/types";
import { connection, dataAge, noteAnswer, noteFailure } from "./connection";
import { detail, noteMissing, openDetail, takeDetail } from "./detail";
import { overview, sinceArgument, takeStatus } from "./overview";
import { route } from "./route";

/** Asks for the status, once a second at most, while the page is visible. */

/** While an upstream is open, the other upstreams are looked at so often, in milliseconds. */
const OVERVIEW_PERIOD = 5000;

let overviewAt = -Infinity;
let interrupt: (() => void) | undefined;

/** Ends the current pause, so that the next request is sent now. */
export function askNow(): void {
  interrupt?.();
}

/** Waits for a time, or until something asks for a request. */
function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    interrupt = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Waits until the page is visible. */
function untilVisible(): Promise<void> {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
  });
}

async function askGateway(): Promise<number> {
  const since = sinceArgument();
  const { body } = await getLong<GatewayStatus>(`/sluice/1/status${since}`, "upstreams");
  overviewAt = performance.now();
  await takeStatus(body, since === "");
  return body.interval;
}

async function askUpstream(name: string): Promise<number> {
  try {
    const { body, etag } = await getLong<UpstreamStatus>(`${upstreamPath(name)}/status`, "servers");
    await takeDetail(name, body, etag);
    return body.interval;
  } catch (cause) {
    // An upstream that the token does not cover is shown as one that does not exist.
    const isMissing =
      cause instanceof Refusal && (cause.status === 404 || cause.code === "UpstreamNotAllowed");
    if (!isMissing) throw cause;
    noteMissing(name);
    return 1;
  }
}

function ask(): Promise<number> {
  const open = route.get();
  const isOld = performance.now() - overviewAt > OVERVIEW_PERIOD;
  const hasOverview = overview.get().gateway !== undefined;
  if (open.view !== "upstream" || !hasOverview || isOld) return askGateway();
  return askUpstream(open.name);
}

/** Tells whether a person waits for the first answer about the upstream that is open. */
function isWaiting(): boolean {
  const open = route.get();
  const { name, status, isMissing } = detail.get();
  const isUnknown = open.view === "upstream" && open.name === name && status === undefined && !isMissing;
  return isUnknown && connection.get().failure === undefined;
}

async function run(): Promise<never> {
  for (;;) {
    await untilVisible();
    const started = performance.now();
    const seconds = await ask().then(noteAnswer, noteFailure);
    if (isWaiting()) continue;
    await pause(seconds - Math.min(seconds - 0.05, (performance.now() - started) / 1000));
  }
}

function followRoute(): void {
  const open = route.get();
  if (open.view === "upstream") openDetail(open.name);
  askNow();
}

/** Starts to ask, until the page is closed. */
export function startFeed(): void {
  let name = "";
  route.follow(() => {
    const open = route.get();
    const next = open.view === "upstream" ? open.name : "";
    if (next !== name) followRoute();
    name = next;
  });
  followRoute();
  document.addEventListener("visibilitychange", () => {
    const age = dataAge(connection.get());
    if (document.visibilityState === "visible" && age !== undefined && age > 1) askNow();
  });
  void run();
}
