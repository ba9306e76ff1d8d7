import { shape, shaped } from "../lib/json";
import { ADMISSION_FIELDS, admission_of, read_admission, type AdmissionConfig } from "./admission";
import { BALANCING_FIELDS, balancing_of, read_balancing, type BalancingConfig } from "./balancing";
import { CONTROL_FIELDS, control_of, read_control, type ControlConfig } from "./control";
import { DISCOVERY_FIELDS, discovery_of, read_discovery, type DiscoveryConfig } from "./discovery";
import type { Read } from "./fields";
import { HEALTH_FIELDS, health_of, read_health, type HealthConfig } from "./health";
import { invalid_value } from "./problem";

/** Everything that an upstream is configured by, but its servers. */
export interface UpstreamSettings
  extends BalancingConfig, HealthConfig, AdmissionConfig, ControlConfig, DiscoveryConfig {}

/** Its members, in the order in which they are shown and stored. */
export const SETTINGS_FIELDS: string[] = [];
for (const fields of [BALANCING_FIELDS, HEALTH_FIELDS, ADMISSION_FIELDS, CONTROL_FIELDS, DISCOVERY_FIELDS]) {
  for (const field of fields) SETTINGS_FIELDS.push(field);
}

const SHAPE = shape(SETTINGS_FIELDS);

/** Puts parts together by the names that can be: a spread goes through tables, which LuaJIT does not compile, and a start has thousands. */
function together(parts: readonly object[]): UpstreamSettings {
  const settings: Record<string, unknown> = {};
  for (const part of parts) {
    for (const field of SETTINGS_FIELDS) {
      const value = (part as Record<string, unknown>)[field];
      if (value !== undefined) settings[field] = value;
    }
  }
  return shaped(settings, SHAPE) as unknown as UpstreamSettings;
}

/** Copies an upstream's settings, and nothing else, so that equals have equal JSON texts. Any phase. */
export function settings_of(from: UpstreamSettings): UpstreamSettings {
  return together([
    balancing_of(from),
    health_of(from),
    admission_of(from),
    control_of(from),
    discovery_of(from),
  ]);
}

/**
 * Reads an upstream's settings, with defaults, or on top of `base` for a change: a block that is given replaces that of
 * before as a whole, and JSON's null takes it off. Any phase.
 *
 * @param input an object; members that are not in `SETTINGS_FIELDS` are left to the caller
 * @returns the settings, or undefined and the problem
 */
export function read_settings(
  input: Record<string, unknown>,
  base?: UpstreamSettings,
): Read<UpstreamSettings> {
  const [balancing, unbalanced] = read_balancing(input, base);
  if (balancing === undefined) return $multi(undefined, unbalanced);
  const [health, unhealthy] = read_health(input, base);
  if (health === undefined) return $multi(undefined, unhealthy);
  const [admission, unadmitted] = read_admission(input, base);
  if (admission === undefined) return $multi(undefined, unadmitted);
  const [control, uncontrolled] = read_control(input, base);
  if (control === undefined) return $multi(undefined, uncontrolled);
  const { method } = balancing;
  if (control.load !== undefined && (method === "hash" || method === "ip_hash"))
    return $multi(undefined, invalid_value("load", `with the method "${method}" keys say who gets what`));
  const [discovery, undiscovered] = read_discovery(input, base);
  if (discovery === undefined) return $multi(undefined, undiscovered);
  return $multi(together([balancing, health, admission, control, discovery]), undefined);
}
