import type { AutoscaleConfig } from "../../config/autoscale";
import { SOURCE_BLOCKS, source_of, type DiscoveryBlock } from "../../config/discovery";
import type { HealthCheckConfig } from "../../config/health_check";
import { invalid_value, type Problem } from "../../config/problem";
import { encode, is_table } from "../../lib/json";
import type { Document } from "../../store/document/document";

/**
 * Hides the secrets of registries, webhooks and health checks in answers. A hidden secret that is sent back
 * stays.
 */

const HIDDEN = "***";
const ADDRESS_HAS_CHANGED = "must be given again because the address has changed";
/** Parts of the names of headers that have credentials. */
const CREDENTIALS = ["auth", "cookie", "credential", "key", "password", "secret", "token"];

/** Copies an object with other values of some members. The order in which they are shown stays. */
function with_members<T extends object>(object: T, members: object): T {
  return setmetatable({ ...object, ...members }, getmetatable(object) as LuaMetatable<T>);
}

export function without_secrets(discovery: DiscoveryBlock | undefined): DiscoveryBlock | undefined {
  const name = source_of(discovery);
  if (discovery === undefined || name === undefined) return discovery;
  const block = discovery[name] as unknown as Record<string, unknown>;
  const hidden: Record<string, string> = {};
  for (const secret of SOURCE_BLOCKS[name].secrets) {
    if (block[secret] !== undefined) hidden[secret] = HIDDEN;
  }
  return with_members(discovery, { [name]: with_members(block, hidden) });
}

export function without_webhook_secret(autoscale: AutoscaleConfig | undefined): AutoscaleConfig | undefined {
  const webhook = autoscale?.webhook;
  if (autoscale === undefined || webhook === undefined) return autoscale;
  return with_members(autoscale, { webhook: with_members(webhook, { secret: HIDDEN }) });
}

function has_credentials(header: string): boolean {
  const name = string.lower(header);
  return CREDENTIALS.some((part) => string.find(name, part, 1, true)[0] !== undefined);
}

export function without_header_secrets(check: HealthCheckConfig | undefined): HealthCheckConfig | undefined {
  if (check?.headers === undefined) return check;
  const shown: Record<string, string> = {};
  for (const [name, value] of pairs(check.headers)) shown[name] = has_credentials(name) ? HIDDEN : value;
  return with_members(check, { headers: shown });
}

/** Restores the hidden headers of a check. Returns the problem if the check had no such header. */
function restore_header_secrets(check: unknown, current: Document | undefined): Problem | undefined {
  const headers = is_table(check) ? check.headers : undefined;
  if (!is_table(headers)) return undefined;
  const known = current?.health_check?.headers ?? {};
  for (const [name, value] of pairs(headers)) {
    if (value === HIDDEN && has_credentials(tostring(name))) {
      if (known[name] === undefined)
        return invalid_value(`health_check.headers.${name}`, "must be given because it is not known");
      headers[name] = known[name];
    }
  }
  return undefined;
}

/** Returns the address of a source. A secret is not sent to any other address. */
function place_of({ address, endpoints, tls }: Record<string, unknown>): string {
  return encode({ address, endpoints, tls });
}

/** Restores the hidden secret of a webhook. Returns the problem if the URL is new or has changed. */
function restore_webhook_secret(autoscale: unknown, current: Document | undefined): Problem | undefined {
  const webhook = is_table(autoscale) ? autoscale.webhook : undefined;
  if (!is_table(webhook) || webhook.secret !== HIDDEN) return undefined;
  const known = current?.autoscale?.webhook;
  if (known === undefined || known.url !== webhook.url)
    return invalid_value("autoscale.webhook.secret", ADDRESS_HAS_CHANGED);
  webhook.secret = known.secret;
  return undefined;
}

/**
 * Restores the hidden secrets in a body. Returns the problem if one would be sent to another address.
 *
 * @param present reads the upstream, which most bodies do not need
 */
export function restore_secrets(
  input: Record<string, unknown>,
  present: (this: void) => Document | undefined,
): Problem | undefined {
  const { discovery, autoscale, health_check } = input;
  if ((discovery ?? autoscale ?? health_check) === undefined) return undefined;
  const current = present();
  const problem = restore_webhook_secret(autoscale, current) ?? restore_header_secrets(health_check, current);
  if (problem !== undefined || !is_table(discovery)) return problem;
  for (const [name, { secrets }] of pairs(SOURCE_BLOCKS)) {
    const given = discovery[name];
    const known = current?.discovery?.[name] as Record<string, unknown> | undefined;
    for (const secret of is_table(given) ? secrets : []) {
      const block = given as Record<string, unknown>;
      if (block[secret] === HIDDEN) {
        const is_known = known !== undefined && place_of(block) === place_of(known);
        if (!is_known) return invalid_value(`discovery.${name}.${secret}`, ADDRESS_HAS_CHANGED);
        block[secret] = known?.[secret];
      }
    }
  }
  return undefined;
}
