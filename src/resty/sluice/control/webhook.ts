import type { WebhookConfig } from "../config/autoscale";
import { hmac_sha256 } from "../net/hmac";
import { format_request, request } from "../net/request";
import { service_at } from "../net/service";
import type { Call } from "../store/document/document";

/** Calls a webhook, which starts or stops a server on a container platform. */

/** Time limit of a call, in seconds. */
export const TIMEOUT_SECONDS = 5;
/** The body of the answer is not used. */
const LARGEST_BODY = 4096;

/**
 * Makes a call once. The signature is the HMAC-SHA256 of the time, a full stop and the body. A call that is
 * repeated has the same `Idempotency-Key`. Phases that have cosockets.
 *
 * @param wall_time the time of day, which the signature covers: seconds since 1970
 * @returns true, or undefined and the cause
 */
export function call_webhook(
  { url, secret }: WebhookConfig,
  { id, body }: Call,
  wall_time: number,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  const [place, rest] = string.match(url, "^(https?://[^/?]+)(.*)$");
  const time = string.format("%d", wall_time);
  const [signature, unsigned] = hmac_sha256(secret, `${time}.${body}`);
  if (signature === undefined) return $multi(undefined, unsigned);
  const { destination, headers } = service_at(place, true, "webhook");
  // On a kept connection that breaks, `request` would send the call a second time.
  destination.keepalive_time = 0;
  const own = [
    "Content-Type: application/json",
    `Idempotency-Key: ${id}`,
    `Sluice-Signature: t=${time},v1=${signature}`,
  ];
  for (const header of headers) own.push(header);
  const uri = string.sub(rest, 1, 1) === "/" ? rest : `/${rest}`;
  const [answer, cause] = request(
    destination,
    format_request("POST", uri, own, body),
    TIMEOUT_SECONDS,
    LARGEST_BODY,
  );
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.status < 200 || answer.status > 299)
    return $multi(undefined, `the answer has status ${answer.status}`);
  return $multi(true, undefined);
}
