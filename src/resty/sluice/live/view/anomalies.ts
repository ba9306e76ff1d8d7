import {
  add_performance,
  error_rate_of,
  judge,
  latency_of,
  new_performance,
  stepped_down,
  stepped_up,
  Verdict,
  type AnomalyLimits,
  type Performance,
} from "../../health/anomaly";
import { Row, UpstreamRow } from "../../store/memory/cells";
import { outlier_part, touch_factors } from "../../store/memory/factor";
import { has_anomaly, note_anomaly, note_recovery } from "../../store/memory/outlier";
import { is_present, shared_memory, touch_health } from "../../store/memory/region";
import { Anomaly, OutlierMode } from "../../store/memory/states";
import { claim } from "./claim";
import { type LiveServer, type LiveUpstream, Own } from "./model";
import { begin_count, performance_of } from "./performance";
import { slow_start_part } from "./weight";

/**
 * Outlier detection by anomalies: in each interval, one worker compares the servers of an upstream, and takes
 * weight from outliers, gives it back, or only reports them.
 */

const PERCENT = 100;
/** After so many intervals without enough requests, a server regains a step: its judgement is too old. */
const QUIET_INTERVALS = 10;

/** A server in a comparison. */
interface Candidate {
  server: LiveServer;
  performance: Performance;
  /** The part of its weight that it has. */
  part: number;
  verdict: Verdict;
}

/** The servers that are compared with each other. */
interface Company {
  /** The number of healthy servers; some of them may be in `slow_start`, and are not compared. */
  healthy: number;
  candidates: Candidate[];
  sum: Performance;
}

function is_bad({ verdict }: Candidate): boolean {
  return verdict === Verdict.ERRORS || verdict === Verdict.LATENCY;
}

/** Returns the performance of the others. */
function others_of({ sum }: Company, { performance }: Candidate): Performance {
  return {
    responses: sum.responses - performance.responses,
    errors: sum.errors - performance.errors,
    answers: sum.answers - performance.answers,
    bad_answers: sum.bad_answers - performance.bad_answers,
    timed: sum.timed - performance.timed,
    time: sum.time - performance.time,
  };
}

/** Says how a server differs from the others. */
function reason_of({ verdict, performance }: Candidate, others: Performance): string {
  if (verdict === Verdict.ERRORS)
    return string.format(
      "%.1f %% of its requests failed, and %.1f %% of those to the other servers",
      error_rate_of(performance) * PERCENT,
      error_rate_of(others) * PERCENT,
    );
  return string.format(
    "it answers after %.0f ms on average, and the other servers after %.0f ms",
    latency_of(performance),
    latency_of(others),
  );
}

/** Gives a step of weight back to a server that is an outlier. */
function recover({ server, part }: Candidate, limits: AnomalyLimits, now: number): void {
  shared_memory()[server.row + Row.JUDGED_AT] = now;
  if (limits.degrades) note_recovery(server, OutlierMode.DEGRADE, stepped_up(part, limits));
  else note_recovery(server, OutlierMode.DETECT, 1);
}

/** Applies the verdict on a server. */
function apply(
  company: Company,
  candidate: Candidate,
  limits: AnomalyLimits,
  interval: number,
  now: number,
): void {
  const { server, part, verdict } = candidate;
  const cell = server.row + Row.JUDGED_AT;
  const memory = shared_memory();
  if (is_bad(candidate)) {
    memory[cell] = now;
    const anomaly = verdict === Verdict.ERRORS ? Anomaly.ERRORS : Anomaly.LATENCY;
    const reason = reason_of(candidate, others_of(company, candidate));
    if (limits.degrades)
      note_anomaly(server, OutlierMode.DEGRADE, anomaly, stepped_down(part, limits), now, reason);
    else note_anomaly(server, OutlierMode.DETECT, anomaly, 1, now, reason);
  } else if (has_anomaly(candidate.server)) {
    const is_quiet = verdict === Verdict.UNKNOWN && now - memory[cell] >= QUIET_INTERVALS * interval;
    if (is_quiet) candidate.verdict = Verdict.NORMAL;
    if (candidate.verdict === Verdict.NORMAL) recover(candidate, limits, now);
    else if (verdict === Verdict.DOUBTFUL) memory[cell] = now;
  }
}

/**
 * Lets servers keep their weights that would be new outliers, if more than half of the servers were outliers
 * then: what most servers have is no anomaly.
 */
function spare_majority({ healthy, candidates }: Company): void {
  let outliers = 0;
  for (const index of $range(0, candidates.length - 1)) {
    if (has_anomaly(candidates[index].server) || is_bad(candidates[index])) outliers = outliers + 1;
  }
  if (outliers * 2 <= healthy) return;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    if (is_bad(candidate) && !has_anomaly(candidate.server)) candidate.verdict = Verdict.DOUBTFUL;
  }
}

/** Lets a server keep its weight that was found slow for the first time: once may be by chance. */
function spare_once(candidate: Candidate): void {
  const cell = candidate.server.row + Row.SUSPECTED;
  const memory = shared_memory();
  const is_slow = candidate.verdict === Verdict.LATENCY;
  if (is_slow && memory[cell] === 0 && !has_anomaly(candidate.server)) candidate.verdict = Verdict.DOUBTFUL;
  memory[cell] = is_slow ? 1 : 0;
}

/** Judges servers by each other. Returns whether one of them has changed. */
function compare(company: Company, limits: AnomalyLimits, interval: number, now: number): boolean {
  const { healthy, candidates } = company;
  const is_enough = healthy >= limits.minimum_hosts;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    const { performance, part } = candidate;
    // Without enough others nothing is known against a server.
    candidate.verdict = is_enough
      ? judge(performance, others_of(company, candidate), limits, part)
      : Verdict.NORMAL;
    spare_once(candidate);
  }
  spare_majority(company);
  let has_changed = false;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    const was_anomalous = has_anomaly(candidate.server);
    apply(company, candidate, limits, interval, now);
    if (
      has_anomaly(candidate.server) !== was_anomalous ||
      outlier_part(candidate.server.row) !== candidate.part
    )
      has_changed = true;
    // A server that has lost weight may need several intervals for enough requests.
    if (candidate.verdict !== Verdict.UNKNOWN || candidate.part === 1)
      begin_count(candidate.server, candidate.performance);
  }
  return has_changed;
}

function company_at(companies: LuaTable<string, Company>, zone: string): Company {
  const known = companies.get(zone) as Company | undefined;
  if (known !== undefined) return known;
  const company: Company = { healthy: 0, candidates: [], sum: new_performance() };
  companies.set(zone, company);
  return company;
}

/** Returns the servers to compare: those of a zone with each other, if distances to zones matter. */
function companies_of(upstream: LiveUpstream, now: number): LuaTable<string, Company> {
  const memory = shared_memory();
  const companies = new LuaTable<string, Company>();
  for (const [, server] of pairs(upstream.servers)) {
    // The view of a worker without requests may be old, and the row that of another server.
    if (is_present(server)) {
      const performance = performance_of(server);
      const is_healthy =
        server.in_rotation &&
        !server[Own.PARAMETERS].backup &&
        memory[server.row + Row.UNAVAILABLE_UNTIL] <= now;
      const company = company_at(companies, upstream.zones === undefined ? "" : (server.zone ?? ""));
      if (is_healthy) company.healthy = company.healthy + 1;
      if (is_healthy && slow_start_part(server.row, server[Own.PARAMETERS].slow_start, now) === 1) {
        const part = upstream.degrades ? outlier_part(server.row) : 1;
        company.candidates.push({ server, performance, part, verdict: Verdict.UNKNOWN });
        add_performance(company.sum, performance);
      } else {
        begin_count(server, performance);
      }
    }
  }
  return companies;
}

/** Forgets what servers did before the first comparison, in a time of unknown length. */
function begin_counts(upstream: LiveUpstream): void {
  for (const [, server] of pairs(upstream.servers)) {
    if (is_present(server)) begin_count(server, performance_of(server));
  }
}

/** Compares an upstream's servers if that is due, and treats the outliers. O(servers). Phase: timer. */
export function find_anomalies(upstream: LiveUpstream, now: number): void {
  const limits = upstream.outlier_limits;
  if (limits?.anomalies === undefined || !is_present(upstream)) return;
  const { interval } = limits;
  const [is_mine, is_first] = claim(upstream.row + UpstreamRow.JUDGED_AT, interval, now);
  if (!is_mine) return;
  if (is_first) {
    begin_counts(upstream);
    return;
  }
  let has_changed = false;
  for (const [, company] of pairs(companies_of(upstream, now))) {
    if (compare(company, limits.anomalies, interval, now)) has_changed = true;
  }
  if (!has_changed) return;
  if (limits.anomalies.degrades) touch_factors(upstream.row);
  touch_health();
}
