import { terminated_parts } from "../lib/text";
import { parse_address } from "./address";
import { invalid_value, type Problem } from "./problem";
import { refuse, type Read } from "./reader";

/** Host names as servers: `{"server": "app.internal:8080", "resolve": true}`. Pure. */

const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;
const LONGEST_SERVICE = 128;
const DEFAULT_PORT = 80;

/** Tells whether a value is a host name, with or without a port, instead of an address. Any phase. */
export function is_host_name(value: unknown): value is string {
  // Most addresses are IPv4, and need no closer look.
  if (typeof value !== "string" || string.find(value, "%a")[0] === undefined) return false;
  return parse_address(value)[1]?.code === "UpstreamConfNoResolver";
}

function bad(name: string, reason: string): Problem {
  const { text, ...problem } = invalid_value("server", `"${string.sub(name, 1, 80)}" ${reason}`);
  return { ...problem, code: "UpstreamBadAddress", text };
}

/** Returns a host name and its port; undefined: it has none. */
export function parts_of_name(server: string): LuaMultiReturn<[name: string, port: number | undefined]> {
  const [colon] = string.find(server, ":", 1, true);
  if (colon === undefined) return $multi(server, undefined);
  return $multi(string.sub(server, 1, colon - 1), tonumber(string.sub(server, colon + 1)));
}

/** Checks a host name, for which `is_host_name` holds. Returns the problem. */
export function check_host_name(server: string): Problem | undefined {
  const [name] = parts_of_name(server);
  if (name.length > LONGEST_NAME) return bad(server, `must not have more than ${LONGEST_NAME} characters`);
  let last = "";
  const whole = string.sub(name, -1) === "." ? name : `${name}.`;
  for (const label of terminated_parts(whole, ".")) {
    if (label === "" || label.length > LONGEST_LABEL)
      return bad(server, `must consist of labels of 1 to ${LONGEST_LABEL} characters`);
    last = label;
  }
  // Some programs take such names for IPv4 addresses.
  if (string.find(last, "^%d+$")[0] !== undefined || string.find(last, "^0[xX]%x*$")[0] !== undefined)
    return bad(server, "ends with a number, so it is neither a host name nor an IP address");
  return undefined;
}

/** Reads the name of a service, such as `http` or `_http._tcp`. */
export function read_service(this: void, path: string, value: unknown): Read<string> {
  if (
    typeof value !== "string" ||
    value.length > LONGEST_SERVICE ||
    string.find(value, "^[%w_-][%w_.-]*$")[0] === undefined ||
    string.find(`${value}.`, "..", 1, true)[0] !== undefined
  )
    return refuse(path, 'must be the name of a service, such as "http" or "_http._tcp"');
  return $multi(value, undefined);
}

/** Returns the name of a service's SRV records. As in nginx, a name without a dot gets the protocol TCP. */
export function srv_name(server: string, service: string): string {
  if (string.find(service, ".", 1, true)[0] !== undefined) return `${service}.${server}`;
  return `_${service}._tcp.${server}`;
}

interface Named {
  server: string;
  resolve: boolean;
  service?: string | undefined;
  weight: number;
}

/**
 * Checks the parameters of a server that concern its name, and adds the default port. Returns the problem.
 */
export function complete_name(parameters: Named): Problem | undefined {
  const { server, resolve, service } = parameters;
  if (!is_host_name(server)) {
    if (resolve) return invalid_value("resolve", 'requires a host name in "server"');
    return service === undefined
      ? undefined
      : { ...bad(server, 'must be a host name because of "service"'), code: "UpstreamBadAddress" };
  }
  const [name, port] = parts_of_name(server);
  if (service === undefined) {
    parameters.server = `${name}:${port ?? DEFAULT_PORT}`;
    return undefined;
  }
  if (!resolve) return { ...invalid_value("service", 'requires "resolve"'), code: "UpstreamBadService" };
  if (port !== undefined) return bad(server, 'must not have a port, because "service" gives it');
  if (parameters.weight !== 1) {
    const problem = invalid_value("weight", 'comes from the SRV records of "service"');
    return { ...problem, code: "UpstreamServerWeightImmutable" };
  }
  return undefined;
}
