/** Waits for an effect in another process. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits until a condition holds.
 * @template T
 * @param {string} what describes the condition, for the error
 * @param {() => T | Promise<T>} condition
 * @param {number} [milliseconds] the time-out
 * @returns {Promise<NonNullable<T>>} the result of the condition
 */
export async function waitFor(what, condition, milliseconds = 30_000) {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain: ${what}`);
    await sleep(5);
  }
}
