import type { WebhookConfig } from "../config/autoscale";
import type { Result } from "../lib/result";
import { hmac_sha256 } from "../net/hmac";
import { request } from "../net/request";
import { service_at, service_request } from "../net/service";
import type { Call } from "../store/document/document";

/** Calls a webhook, which starts or stops a server on a container platform. */

/** Time limit of a call, in seconds. */
export const TIMEOUT_SECONDS = 5;
/** The body of the answer is not used. */
const LARGEST_BODY = 4096;

/**
 * Makes a call once. The signature is the HMAC-SHA256 of the time, a full stop and the body. A call that is
 * repeated has the same `Idempotency-Key`. Phases that have cosockets.
 */
export function call_webhook(
  { url, secret }: WebhookConfig,
  { id, body }: Call,
  wall_time: number,
): Result<true> {
  const [place, rest] = string.match(url, "^(https?://[^/?]+)(.*)$");
  const time = string.format("%d", wall_time);
  const [signature, unsigned] = hmac_sha256(secret, `${time}.${body}`);
  if (signature === undefined) return $multi(undefined, unsigned);
  const service = service_at(place, true, "webhook");
  const { destination } = service;
  // On a kept connection that breaks, `request` would send the call a second time.
  destination.keepalive_time = 0;
  const headers = [
    "Content-Type: application/json",
    `Idempotency-Key: ${id}`,
    `Sluice-Signature: t=${time},v1=${signature}`,
  ];
  const uri = string.sub(rest, 1, 1) === "/" ? rest : `/${rest}`;
  const text = service_request(service, "POST", uri, headers, body);
  const [answer, cause] = request(destination, text, TIMEOUT_SECONDS, LARGEST_BODY);
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.status < 200 || answer.status > 299)
    return $multi(undefined, `the answer has status ${answer.status}`);
  return $multi(true, undefined);
}
