import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { read_settings } from "../../../src/resty/sluice/config/settings";
import { note_answer } from "../../../src/resty/sluice/probe/answers";
import { new_check } from "../../../src/resty/sluice/probe/probe";
import type { Target } from "../../../src/resty/sluice/probe/targets";
import { Row, type RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { create, row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { subject_of } from "../../../src/resty/sluice/store/memory/subject";
import { make_dict } from "../support/dict";
import { expect } from "../support/expect";

const UPSTREAM_ROW = 1 as RowNumber;
const SERVER_ROW = 2 as RowNumber;
const INCARNATION = 5;
const LOAD_METRICS = "endpoint-load-metrics";

/** A target whose check has `report`, and whose utilization is `utilization`. */
function target_with(report: string | undefined, utilization?: string): Target {
  shared_memory()[row_at(SERVER_ROW) + Row.STAMP] = INCARNATION;
  const load = utilization === undefined ? {} : { load: { utilization } };
  const [settings] = read_settings({ health_check: { report }, ...load });
  if (settings?.health_check === undefined) error("no health check", 0);
  const { health_check: config } = settings;
  const place = { id: 0, incarnation: INCARNATION, row: SERVER_ROW, server: "10.0.0.1:80" };
  const check = new_check("app", 1, config, settings);
  return {
    subject: subject_of("app", UPSTREAM_ROW, { ...SERVER_DEFAULTS, ...place }),
    check,
    destination: {
      host: "10.0.0.1",
      port: 80,
      tls: undefined,
      pool: { pool: "" },
      keepalive_time: 0,
      opened: 0,
    },
    agent: undefined,
    is_busy: false,
    is_asked: false,
    is_dropped: false,
    ticket: 0,
    interval: check.interval,
    jitter: check.jitter,
    is_scheduled: false,
    key: 0,
    place: 0,
  };
}

function cell(row: Row): number {
  return shared_memory()[row_at(SERVER_ROW) + row];
}

describe("the answer to a health check", () => {
  before_each(() => {
    make_dict();
    create(64, 4);
  });

  it("reports the load at the path of `report`", () => {
    const body = '{"app":{"stats":{"utilization":0.25,"rps":10}}}';
    note_answer(target_with("app.stats"), { status: 200, headers: {}, body });
    expect(cell(Row.UTILIZATION)).equal(0.25);
    expect(cell(Row.RPS)).equal(10);
    expect(cell(Row.REPORTS)).equal(1);
  });

  it("reports the utilization if the value at the path is a number", () => {
    note_answer(target_with("cpu"), { status: 200, headers: {}, body: '{"cpu":0.5}' });
    expect(cell(Row.UTILIZATION)).equal(0.5);
  });

  it("reports the load in its header, whether or not the check has `report`", () => {
    const headers = { [LOAD_METRICS]: "TEXT cpu_utilization=0.75" };
    note_answer(target_with(undefined), { status: 200, headers, body: "" });
    expect(cell(Row.UTILIZATION)).equal(0.75);
  });

  it("reports the metric that `load.utilization` names, in its header or in its body", () => {
    const headers = { [LOAD_METRICS]: "TEXT cpu_utilization=0.75,named_metrics.kv=0.5" };
    note_answer(target_with(undefined, "named_metrics.kv"), { status: 200, headers, body: "" });
    expect(cell(Row.UTILIZATION)).equal(0.5);
    const body = '{"load":{"utilization":0.75,"named_metrics":{"kv":0.25}}}';
    note_answer(target_with("load", "named_metrics.kv"), { status: 200, headers: {}, body });
    expect(cell(Row.UTILIZATION)).equal(0.25);
    expect(cell(Row.BAD_REPORTS)).equal(0);
  });

  it("reports the header that `load.utilization` names", () => {
    const target = target_with(undefined, "$upstream_http_x_kv_usage");
    note_answer(target, { status: 200, headers: { "x-kv-usage": "0.5" }, body: "" });
    expect(cell(Row.UTILIZATION)).equal(0.5);
    note_answer(target, { status: 200, headers: {}, body: "" });
    expect([cell(Row.REPORTS), cell(Row.BAD_REPORTS)]).same([1, 0]);
    note_answer(target, { status: 200, headers: { "x-kv-usage": "-1" }, body: "" });
    expect([cell(Row.UTILIZATION), cell(Row.BAD_REPORTS)]).same([0.5, 1]);
  });

  for (const body of ["", "not JSON", "[]", '{"cpu":"high"}', '{"cpu":{}}', '{"other":1}']) {
    it(`counts as a bad report if it is ${body === "" ? "empty" : body}`, () => {
      note_answer(target_with("cpu"), { status: 200, headers: {}, body });
      expect(cell(Row.REPORTS)).equal(0);
      expect(cell(Row.BAD_REPORTS)).equal(1);
    });
  }

  it("is no report without `report` and header", () => {
    note_answer(target_with(undefined), { status: 200, headers: {}, body: '{"cpu":0.5}' });
    expect(cell(Row.REPORTS)).equal(0);
    expect(cell(Row.BAD_REPORTS)).equal(0);
  });
});
