import { source_in, type UpstreamTemplate } from "../../config/upstream_template";

/** The template in the `discovery` of `setup`, from which upstreams are made. */

let current: UpstreamTemplate | undefined;
let is_shared = false;

/** The key of the feed that all upstreams of the template share. */
export const TEMPLATE_FEED = "template";

/**
 * Sets the template; undefined: `setup` has none. `is_clustered`: several gateways share the upstreams.
 * Phase: init_by_lua.
 */
export function use_template(template: UpstreamTemplate | undefined, is_clustered: boolean): void {
  current = template;
  is_shared = is_clustered;
}

/** Tells whether several gateways share the upstreams of the template. Any phase. */
export function is_shared_template(): boolean {
  return is_shared;
}

/** Returns the template; undefined: `setup` has none. Any phase. */
export function current_template(): UpstreamTemplate | undefined {
  return current;
}

/** Returns the name of the template in the log and in messages. Any phase. */
export function describe_template(): string {
  return current === undefined ? "the template of setup" : `discovery.${source_in(current)} of setup`;
}
