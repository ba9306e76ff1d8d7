/** Recent rates and percentiles from counters that only rise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { Meter } = await source("model/figures");
const { History, POINTS, STEP } = await source("model/history");
const { dense, difference, quantile } = await source("model/buckets");

const bounds = [1, 2, 5, 10, 20, 50];

/** @param {number} requests @param {number} failed @param {number[]} counts */
const counters = (requests, failed = 0, counts = []) => ({
  requests,
  responses: { "2xx": requests - failed, "5xx": failed },
  fails: 0,
  times: counts.length === 0 ? undefined : { first: 0, counts },
});

test("a percentile is interpolated in its bucket, as the gateway does it", () => {
  assert.equal(quantile([0, 0, 0, 0, 0, 0, 0], bounds, 0.5), undefined);
  assert.equal(quantile([0, 0, 10, 0, 0, 0, 0], bounds, 0.5), 3.5);
  assert.equal(quantile([90, 0, 0, 0, 0, 10, 0], bounds, 0.99), 20 + 30 * 0.9);
  assert.equal(quantile([0, 0, 0, 0, 0, 0, 3], bounds, 0.5), 50);
});

test("a histogram that was reset has no negative counts", () => {
  assert.deepEqual(dense({ first: 2, counts: [3, 4] }, 5), [0, 0, 3, 4, 0]);
  assert.deepEqual(difference([5, 1], [2, 3]), [3, 0]);
});

test("rates cover the last seconds, not the time since the start", () => {
  const meter = new Meter();
  meter.add(counters(1_000_000, 500_000), 100, bounds);
  assert.equal(meter.figures.rate, undefined);
  for (let time = 101; time <= 130; time++)
    meter.add(counters(1_000_000 + (time - 100) * 40, 500_000), time, bounds);
  assert.equal(meter.figures.rate, 40);
  assert.equal(meter.figures.errors, 0);
  for (let time = 131; time <= 150; time++) meter.add(counters(1_001_200, 500_000), time, bounds);
  assert.equal(meter.figures.rate, 0);
});

test("percentiles are those of the recent responses", () => {
  const meter = new Meter();
  meter.add(counters(1000, 0, [0, 0, 0, 0, 0, 1000]), 0, bounds);
  meter.add(counters(1100, 0, [100, 0, 0, 0, 0, 1000]), 1, bounds);
  assert.equal(meter.percentiles.p99, 0.99);
});

test("the part of failed requests counts responses of class 5xx and missing responses once each", () => {
  const meter = new Meter();
  meter.add(counters(0), 0, bounds);
  meter.add({ requests: 100, responses: { "2xx": 80, "5xx": 12 }, fails: 8, times: undefined }, 1, bounds);
  assert.equal(meter.figures.errors, 0.2);
});

test("counters that fall were reset, and rates begin anew", () => {
  const meter = new Meter();
  meter.add(counters(1000), 0, bounds);
  meter.add(counters(1100), 1, bounds);
  meter.add(counters(5), 2, bounds);
  assert.equal(meter.figures.rate, undefined);
  meter.add(counters(15), 3, bounds);
  assert.equal(meter.figures.rate, 10);
});

test("after an idle time the rate covers only the time of the requests", () => {
  const meter = new Meter();
  meter.add(counters(100), 0, bounds);
  meter.stay(1);
  assert.equal(meter.isIdle, true);
  meter.wake(50);
  meter.add(counters(110), 51, bounds);
  assert.equal(meter.figures.rate, 10);
  assert.equal(meter.isIdle, false);
});

test("after a long time without an answer there is no average over that time", () => {
  const meter = new Meter();
  meter.add(counters(0), 0, bounds);
  meter.add(counters(100), 1, bounds);
  meter.add(counters(1_000_000), 1000, bounds);
  assert.equal(meter.figures.rate, undefined);
});

test("a chart bridges a slow answer, and shows a longer gap", () => {
  const history = new History();
  history.add(10 * STEP, 5);
  history.add(13 * STEP, 7);
  assert.deepEqual(history.until(13 * STEP, 4), [5, 5, 5, 7]);
  history.add(30 * STEP, 9);
  assert.deepEqual(history.until(30 * STEP, 3), [NaN, NaN, 9]);
  assert.deepEqual(history.until(32 * STEP, 3, 0), [9, 0, 0]);
});

test("a chart forgets what is older than five minutes", () => {
  const history = new History();
  for (let slot = 0; slot < 3 * POINTS; slot++) history.add(slot * STEP, slot);
  const values = history.until((3 * POINTS - 1) * STEP, POINTS);
  assert.deepEqual([values.length, values[0], values.at(-1)], [POINTS, 2 * POINTS, 3 * POINTS - 1]);
});
