/** Health checks for upstreams, until the configuration itself has them. */

/**
 * Lua for init_by_lua, before anything else: has the store show a `health_check` in the upstreams named.
 * @param {Record<string, object>} checks by upstream
 */
export function withChecks(checks) {
  const texts = Object.entries(checks).map(
    ([name, check]) => `["${name}"] = '${JSON.stringify({ ...defaults, ...check })}'`,
  );
  return `
    local checks = { ${texts.join(", ")} }
    local dict = require("resty.sluice.store.dict")
    local get_text = dict.get_text
    dict.get_text = function(name)
      local text = get_text(name)
      local check = text and checks[name:match("^%a+")]
      return check and '{"health_check":' .. check .. "," .. text:sub(2) or text
    end
    require("resty.sluice.health.prober")`;
}

const defaults = {
  type: "http",
  uri: "/",
  interval: "5s",
  jitter: "0s",
  timeout: "1s",
  fails: 1,
  passes: 1,
  mandatory: false,
  persistent: false,
  keepalive_time: "60s",
};
