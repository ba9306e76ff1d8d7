import { Refusal } from "../api/client";
import type { StreamEvent } from "../api/sse";
import { followStream } from "../api/stream";
import { eventOf, type GatewayEvent } from "../model/event_text";
import { Store } from "./store";

/** The newest events, first the newest. */

export interface Events {
  list: readonly GatewayEvent[];
  /** Why the stream is interrupted; undefined: it is open. */
  failure: string | undefined;
}

const MOST_EVENTS = 1000;
/** Seconds before the stream is opened again: at first, and at most. */
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 30;

export const events = new Store<Events>({ list: [], failure: undefined });

let cursor: string | undefined;
let stop = new AbortController();

function take({ id, event, data }: StreamEvent): void {
  if (id !== "") cursor = id;
  if (data === "") return;
  let object: unknown;
  try {
    object = JSON.parse(data);
  } catch {
    return;
  }
  const next = eventOf(event, id, object as Record<string, unknown>);
  events.set({ list: [next, ...events.get().list].slice(0, MOST_EVENTS), failure: undefined });
}

function fail(cause: unknown): void {
  const reason = cause instanceof Refusal && cause.status > 0 ? cause.message : "the connection was lost";
  events.set({ ...events.get(), failure: reason });
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
}

function untilVisible(): Promise<void> {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
  });
}

/** Opens the stream again at once, with the token of now. */
export function restartStream(): void {
  stop.abort();
}

async function run(): Promise<never> {
  let seconds = SHORTEST_PAUSE;
  for (;;) {
    await untilVisible();
    stop = new AbortController();
    const { signal } = stop;
    const onOpen = (): void => {
      seconds = SHORTEST_PAUSE;
      events.set({ ...events.get(), failure: undefined });
    };
    // The stream ends normally when its worker exits: the next one continues it.
    await followStream(cursor, signal, onOpen, take).catch((cause: unknown) => {
      if (!signal.aborted) fail(cause);
    });
    if (signal.aborted) continue;
    await pause(seconds);
    seconds = Math.min(LONGEST_PAUSE, seconds * 2);
  }
}

/** Follows the stream while the page is visible. */
export function startEvents(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") stop.abort();
  });
  void run();
}
