/** Waits for an effect in another process. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * How long to wait before the next look, in milliseconds: a twentieth of the time waited so far. Looks that
 * follow each other quickly would slow down what is waited for, as most of them ask a gateway.
 * @param {number} waited
 */
const pauseAfter = (waited) => Math.min(Math.max(waited / 20, 5), 20);

/**
 * Waits until a condition holds.
 * @template T
 * @param {string} what for the message when it does not
 * @param {() => T | Promise<T>} condition
 * @param {number} [milliseconds] how long to try
 * @returns {Promise<NonNullable<T>>} what the condition gave
 */
export async function waitFor(what, condition, milliseconds = 30_000) {
  const started = performance.now();
  for (;;) {
    const value = await condition();
    if (value) return value;
    const waited = performance.now() - started;
    if (waited > milliseconds) throw new Error(`waited ${milliseconds} ms in vain: ${what}`);
    await sleep(pauseAfter(waited));
  }
}
