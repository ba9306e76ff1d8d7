import { block, required, type ConfigOf } from "../block";
import { one_of } from "../values";

/** The registries that can feed many upstreams, by their names in `setup`. */
export const TEMPLATE_SOURCES = ["etcd", "consul", "docker"] as const;
export type TemplateSourceName = (typeof TEMPLATE_SOURCES)[number];

/** The registry in the `discovery` of `setup` supplies the servers, and deletes the upstream in the end. */
export const TEMPLATE = block({
  /** The registry that has made the upstream. */
  source: required(one_of<TemplateSourceName>(TEMPLATE_SOURCES)),
});
export type TemplateConfig = ConfigOf<typeof TEMPLATE>;
