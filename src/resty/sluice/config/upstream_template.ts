import { is_table } from "../lib/json";
import { unknown_key } from "../lib/tables";
import { block, optional, type ConfigOf } from "./block";
import { check_one_source, DISCOVERY, type DiscoveryBlock } from "./discovery";
import { format_problem, invalid_value, unknown_parameter } from "./problem";
import { refuse, type Read } from "./reader";
import { read_settings, SETTINGS, type UpstreamSettings } from "./settings";
import { CONSUL_TEMPLATE } from "./sources/consul";
import { DOCKER_TEMPLATE } from "./sources/docker";
import { ETCD_TEMPLATE } from "./sources/etcd";
import type { TemplateSourceName } from "./sources/template";

/** The option `discovery` of `setup`: a registry that feeds many upstreams. */

/** Returns the name of a given setting that a template determines: a registry has the servers. */
function determined_by_template(value: Record<string, unknown>): string | undefined {
  for (const name of ["discovery", "split"]) if (value[name] !== undefined) return name;
  return undefined;
}

/** Reads the settings of the upstreams: all but what the template determines. */
function read_upstream_settings(this: void, path: string, value: unknown): Read<UpstreamSettings> {
  if (!is_table(value)) return refuse(path, "must be an object");
  const unknown = unknown_key(value, SETTINGS.options) ?? determined_by_template(value);
  if (unknown !== undefined) return $multi(undefined, unknown_parameter(`${path}.${tostring(unknown)}`));
  const [settings, problem] = read_settings(value);
  if (settings === undefined) return $multi(undefined, format_problem(`${path}: ${problem?.text ?? ""}`));
  return $multi(settings, undefined);
}

const { max_removal_percent, removal_confirmations } = DISCOVERY.options;

const SOURCES = block({
  etcd: optional(ETCD_TEMPLATE),
  consul: optional(CONSUL_TEMPLATE),
  docker: optional(DOCKER_TEMPLATE),
});

/** A registry that feeds many upstreams, which appear and disappear with its entries. */
export const UPSTREAM_TEMPLATE = block(
  {
    ...SOURCES.options,
    /** The settings that an upstream has when it is made, without servers. Default: as any new upstream. */
    upstream: optional(read_upstream_settings),
    /**
     * An answer that would delete more than this percentage of the upstreams, or remove more of an upstream's
     * servers, needs confirmation.
     */
    max_removal_percent,
    /** Number of equal answers that confirm such a change, and the deletion of any upstream. */
    removal_confirmations,
  },
  (path, config) =>
    template_source_of(config) === undefined
      ? invalid_value(path, 'must have "etcd", "consul" or "docker"')
      : check_one_source(SOURCES.names, path, config as Record<string, unknown>),
);
export type UpstreamTemplate = ConfigOf<typeof UPSTREAM_TEMPLATE>;

/** Returns the registry that a template names. */
function template_source_of(template: {
  [Name in TemplateSourceName]?: object;
}): TemplateSourceName | undefined {
  for (const name of SOURCES.names) {
    if (template[name as TemplateSourceName] !== undefined) return name as TemplateSourceName;
  }
  return undefined;
}

/** Returns the registry of a template. Any phase. */
export function source_in(template: UpstreamTemplate): TemplateSourceName {
  return template_source_of(template) as TemplateSourceName;
}

const DEFAULTS = read_settings({})[0] as UpstreamSettings;

/** Returns the settings of an upstream that a template makes. Any phase. */
export function settings_of_made(template: UpstreamTemplate): UpstreamSettings {
  const settings: UpstreamSettings = template.upstream ?? DEFAULTS;
  const discovery: DiscoveryBlock = {
    template: { source: source_in(template) },
    max_removal_percent: template.max_removal_percent,
    removal_confirmations: template.removal_confirmations,
  };
  return { ...settings, discovery };
}
