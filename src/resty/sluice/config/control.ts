import { read_autoscale, shaped_autoscale, type AutoscaleConfig } from "./autoscale";
import { read_members, type Read, type Reader } from "./fields";
import { read_load, shaped_load, type LoadConfig } from "./load";

/** What is done about the loads that servers report. What is absent is off. */
export interface ControlConfig {
  load?: LoadConfig;
  autoscale?: AutoscaleConfig;
}

/** Its members, in the order in which they are shown and stored. */
export const CONTROL_FIELDS = ["load", "autoscale"] as const;

/** Copies what is of control, and nothing else, so that equals have equal JSON texts. Any phase. */
export function control_of({ load, autoscale }: ControlConfig): ControlConfig {
  const copy: ControlConfig = {};
  if (load !== undefined) copy.load = shaped_load(load);
  if (autoscale !== undefined) copy.autoscale = shaped_autoscale(autoscale);
  return copy;
}

const READERS: [name: string, read: Reader][] = [
  ["load", read_load],
  ["autoscale", read_autoscale],
];

/**
 * Reads what is of control, with defaults, or on top of `base` for a change. Any phase.
 *
 * @param input an object; members that are not in `CONTROL_FIELDS` are left to the caller
 * @returns the configuration, or undefined and the problem
 */
export function read_control(input: Record<string, unknown>, base?: ControlConfig): Read<ControlConfig> {
  const [members, problem] = read_members(input, base, READERS);
  return $multi(members as ControlConfig | undefined, problem);
}
