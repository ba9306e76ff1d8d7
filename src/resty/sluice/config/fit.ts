import { set_of } from "../lib/tables";
import type { MethodName } from "./balancing";
import { invalid_value, type Problem } from "./problem";
import type { ServerConfig } from "./server";
import type { UpstreamSettings } from "./settings";
import { seconds_of } from "./time";

/** As in nginx, these methods do not follow temporary weights. */
const WITHOUT_SLOW_START = set_of<MethodName>(["hash", "ip_hash", "random"]);

/** Each unit of weight is 160 points of the hash ring, which every worker computes and keeps. */
const LARGEST_CONSISTENT_WEIGHT = 1000;

/** The settings that a server must fit. */
type Fitted = Pick<UpstreamSettings, "method" | "hash" | "split">;

/** Checks a server's parameters against its upstream's settings. Returns the problem. Any phase. */
export function check_fit({ method, hash, split }: Fitted, server: ServerConfig): Problem | undefined {
  if (split !== undefined) {
    const text = 'an upstream with "split" cannot have servers: add them to its members';
    return { status: 400, code: "UpstreamIsSplit", text };
  }
  if (WITHOUT_SLOW_START.has(method) && seconds_of(server.slow_start) !== 0) {
    const reason = `cannot be combined with the method "${method}"`;
    return { ...invalid_value("slow_start", reason), code: "UpstreamBadSlowStart" };
  }
  if (hash?.consistent === true && server.weight > LARGEST_CONSISTENT_WEIGHT) {
    const reason = `must not be more than ${LARGEST_CONSISTENT_WEIGHT} with "hash.consistent"`;
    return { ...invalid_value("weight", reason), code: "UpstreamBadWeight" };
  }
  return undefined;
}
