import { Store } from "./store";

/** What was done last, and for some seconds the way to undo it. */
export interface Notice {
  text: string;
  isProblem: boolean;
  /** Undoes it; undefined: that is not possible. */
  undo: (() => void) | undefined;
  /** Until when it is shown, by `performance.now()`. */
  until: number;
}

/** How long a notice is shown, and an undo is offered, in milliseconds. */
const SHOWN = 10_000;

export const notice = new Store<Notice | undefined>(undefined);

/** Shows a notice in place of the one before. */
export function say(text: string, isProblem = false, undo?: () => void): void {
  const next: Notice = { text, isProblem, undo, until: performance.now() + SHOWN };
  notice.set(next);
  setTimeout(() => {
    if (notice.get() === next) notice.set(undefined);
  }, SHOWN);
}

/** Undoes what was done last, if it is still offered. */
export function undoLast(): void {
  const undo = notice.get()?.undo;
  if (undo === undefined) return;
  notice.set(undefined);
  undo();
}
