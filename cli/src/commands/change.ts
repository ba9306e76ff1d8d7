import type { Client } from "../api/client";
import { queryOf } from "../api/paths";
import { Refusal, withHint } from "../api/refusal";
import { Failure } from "../failure";
import { differs, type Changed } from "../model/answers";
import { differencesText, removalsOf, summaryOf } from "../output/difference";
import { ensureAgreed, print } from "../output/terminal";

/** Changes of many upstreams: shown first, then made exactly as shown. */

/** A change that is not made yet. */
export interface Plan {
  client: Client;
  path: string;
  body: Record<string, unknown>;
  /** The member of the body that only asks what the change would do, besides the query argument. */
  dryRunMember?: Record<string, unknown>;
  force: boolean | undefined;
  /** Returns the place of a problem in a file. */
  placeOf?: (path: string) => string | undefined;
}

export interface Consent {
  yes: boolean | undefined;
  /** The value of --wait: how long to wait for all workers, such as "10s". */
  wait: string | undefined;
}

/** How often a change is planned again because another one was made in between. */
const MOST_PLANS = 10;

/** Returns the failure of a refusal: one line for each problem, with its place. */
function failureOf(refusal: Refusal, { placeOf }: Plan): Failure {
  if (refusal.problems.length === 0) return refusal;
  const lines = refusal.problems.map(({ path, code, text }) => {
    const parts = [placeOf?.(path), path.replace(/^upstreams\./, ""), withHint(text, code)];
    return parts.filter((part) => part !== undefined && part !== "").join(": ");
  });
  return new Failure(...lines);
}

async function send(
  { client, path, body, force }: Plan,
  query: Record<string, string | boolean | undefined>,
  headers: Record<string, string>,
  patience: number,
): Promise<Changed> {
  const request = {
    method: "POST",
    path: `${path}${queryOf({ ...query, force })}`,
    body,
    headers,
    patience,
  } as const;
  return (await client.send<Changed>(request)).body;
}

/** Returns what a change would do. */
export async function preview(plan: Plan): Promise<Changed> {
  try {
    const body = { ...plan.body, ...plan.dryRunMember };
    return await send({ ...plan, body }, { dry_run: true }, {}, 0);
  } catch (cause) {
    throw cause instanceof Refusal ? failureOf(cause, plan) : cause;
  }
}

/** Makes a change if the gateway is still at the revision. Returns undefined if it is not. */
async function make(
  plan: Plan,
  revision: number,
  wait: string | undefined,
  patience: number,
): Promise<Changed | undefined> {
  try {
    return await send(plan, { wait }, { "If-Match": `"${revision}"` }, patience);
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    if (cause.status === 412 && !cause.problems.some(({ path }) => path.startsWith("upstreams.")))
      return undefined;
    throw failureOf(cause, plan);
  }
}

/** Tells how many workers follow a change. Fails if some do not after the time of --wait. */
function reportWorkers({ workers }: Changed, wait: string | undefined): void {
  if (workers === undefined || wait === undefined) return;
  const { following, total } = workers;
  if (following < total)
    throw new Failure(
      `the change is made, but after ${wait} only ${following} of ${total} workers follow it`,
    );
  print(`${following} of ${total} workers follow`);
}

function showPlan(planned: Changed): void {
  print(differencesText(planned.upstreams));
}

/**
 * Shows a change, asks before it takes something away, and makes it. Whatever was shown is what is made: if
 * another change comes first, it is planned again, and shown again if that makes a difference.
 *
 * @param patience the milliseconds of `wait`
 */
export async function carryOut(plan: Plan, { yes, wait }: Consent, patience: number): Promise<void> {
  let shown = "";
  for (let attempt = 0; attempt < MOST_PLANS; attempt += 1) {
    const planned = await preview(plan);
    if (!differs(planned)) {
      print(`nothing to change (revision ${planned.revision})`);
      return;
    }
    const difference = JSON.stringify(planned.upstreams);
    if (difference !== shown) {
      showPlan(planned);
      const removals = removalsOf(planned.upstreams);
      if (removals !== undefined) await ensureAgreed(`This removes ${removals}`, "Go on?", yes);
      shown = difference;
    }
    const made = await make(plan, planned.revision, wait, patience);
    if (made !== undefined) {
      print(`${summaryOf(made.upstreams)} (revision ${made.revision})`);
      reportWorkers(made, wait);
      return;
    }
  }
  throw new Failure(
    `the gateway changed ${MOST_PLANS} times meanwhile, and nothing of this was changed: try again`,
  );
}
