import { keys_of } from "../lib/tables";
import { shortened } from "../lib/text";
import type { Container, ContainerNetwork } from "../net/docker/engine";
import { entry_at } from "./entry";
import type { Entry } from "./source";

/**
 * The labels of containers, as Angie reads them: `angie.http.upstreams.<name>.<parameter>` and
 * `angie.network`. The same below `sluice.` wins.
 */

/** The parameters of servers in labels. `sid` is Angie's name of a route. */
const PARAMETERS: Record<string, string | undefined> = {
  weight: "weight",
  backup: "backup",
  down: "down",
  drain: "drain",
  max_conns: "max_conns",
  max_fails: "max_fails",
  fail_timeout: "fail_timeout",
  slow_start: "slow_start",
  route: "route",
  sid: "route",
  zone: "zone",
};

/** The labels of a container for one upstream. */
interface Labelled {
  port: string | undefined;
  network: string | undefined;
  parameters: Record<string, unknown>;
  problem: string | undefined;
}

/** Longest part of a label that a problem shows, in bytes. */
const LONGEST_TEXT = 200;

type Networks = Record<string, ContainerNetwork | undefined>;

const FLAGS = new LuaSet<string>();
for (const flag of ["backup", "down", "drain"]) FLAGS.add(flag);

/** Returns the value of a label as JSON would have it; other readers refuse what does not fit. */
function value_of(parameter: string, text: string): unknown {
  if (!FLAGS.has(parameter) || (text !== "true" && text !== "false")) return text;
  return text === "true";
}

function note_label(labelled: Labelled, label: string, name: string, value: string): void {
  const parameter = PARAMETERS[name];
  if (name === "port") labelled.port = value;
  else if (name === "network") labelled.network = value;
  else if (parameter !== undefined) labelled.parameters[parameter] = value_of(parameter, value);
  else labelled.problem = labelled.problem ?? `unknown label "${shortened(label, LONGEST_TEXT)}"`;
}

/** Returns the labels by the names of upstreams, and the network that the labels name for all of them. */
function read_labels(
  labels: Record<string, string>,
): LuaMultiReturn<[LuaTable<string, Labelled>, network: string | undefined]> {
  const all = new LuaTable<string, Labelled>();
  let network: string | undefined;
  const names = Object.keys(labels);
  // In this order, labels below `sluice.` replace those below `angie.`.
  table.sort(names);
  for (const label of names) {
    const [prefix, rest] = string.match(label, "^(%l+)%.(.*)$");
    const is_ours = prefix === "angie" || prefix === "sluice";
    if (is_ours && rest === "network") network = labels[label];
    const [upstream, name] = string.match(is_ours ? rest : "", "^http%.upstreams%.(.+)%.([^.]*)$");
    if (upstream !== undefined) {
      let labelled = all.get(upstream) as Labelled | undefined;
      if (labelled === undefined) {
        labelled = { port: undefined, network: undefined, parameters: {}, problem: undefined };
        all.set(upstream, labelled);
      }
      note_label(labelled, label, name, labels[label]);
    }
  }
  return $multi(all, network);
}

/** Returns the address of a container in a network, by default in its only one; or the problem. */
function address_in(
  networks: Networks,
  wanted: string | undefined,
): LuaMultiReturn<[address: string | undefined, problem: string]> {
  const names = Object.keys(networks);
  if (wanted === undefined && names.length > 1) {
    table.sort(names);
    const list = shortened(table.concat(names, '", "'), LONGEST_TEXT);
    return $multi(undefined, `the container is in the networks "${list}"; "network" must name one`);
  }
  const name = wanted ?? names[0];
  if (name === undefined) return $multi(undefined, "the container is in no network");
  const network = networks[name];
  const shown = shortened(name, LONGEST_TEXT);
  if (network === undefined) return $multi(undefined, `the container is not in the network "${shown}"`);
  const { IPAddress: ipv4 = "", GlobalIPv6Address: ipv6 = "" } = network;
  const address = ipv4 === "" ? ipv6 : ipv4;
  return $multi(
    address === "" ? undefined : address,
    `the container has no address in the network "${shown}"`,
  );
}

/** Says why a container must not get requests; undefined: it may. */
function why_unfit(status: string): string | undefined {
  if (string.find(status, "(unhealthy)", 1, true)[0] !== undefined) return "the container is unhealthy";
  if (string.find(status, "(health: starting)", 1, true)[0] !== undefined)
    return "the container's health check has not succeeded yet";
  return undefined;
}

function read_entry(container: Container, upstream: string, labelled: Labelled, network?: string): Entry {
  const key = shortened(container_name(container), LONGEST_TEXT);
  const { port: port_text, parameters, problem } = labelled;
  if (problem !== undefined) return { key, problem };
  if (port_text === undefined)
    return {
      key,
      problem: `the container has no label "sluice.http.upstreams.${shortened(upstream, LONGEST_TEXT)}.port"`,
    };
  const [digits] = string.match(port_text, "^%d+$");
  if (digits === undefined || digits.length > 5)
    return { key, problem: `the port "${string.sub(port_text, 1, 80)}" must be a number from 1 to 65535` };
  const [host, nowhere] = address_in(container.NetworkSettings?.Networks ?? {}, network);
  if (host === undefined) return { key, problem: nowhere };
  const unfit = why_unfit(container.Status ?? "");
  if (unfit !== undefined) return { key, problem: unfit };
  if (container.State === "paused") parameters.down = true;
  return entry_at(key, host, tonumber(digits), parameters);
}

function container_name({ Names: names, Id: id = "" }: Container): string {
  const [name] = string.match(names?.[0] ?? "", "^/?(.+)$");
  return name ?? string.sub(id, 1, 12);
}

/** Adds the entries of a container to those of its upstreams. */
function add_entries(
  container: Container,
  network: string | undefined,
  to: LuaTable<string, Entry[] | undefined>,
): void {
  const { State: state, Labels: labels } = container;
  if (labels === undefined || (state !== "running" && state !== "paused")) return;
  const [all, labels_network] = read_labels(labels);
  for (const [upstream, labelled] of pairs(all)) {
    const its_network = labelled.network ?? labels_network ?? network;
    const entries = to.get(upstream) ?? [];
    entries.push(read_entry(container, upstream, labelled, its_network));
    to.set(upstream, entries);
  }
}

/**
 * Returns the entries of all upstreams that the labels of containers name, by the names of the upstreams, in
 * the order of the containers' names. `network`: where labels name none; undefined: the only one of a
 * container. Calls `pause` after each container.
 */
export function entries_by_upstream(
  containers: readonly Container[],
  network: string | undefined,
  pause: (this: void) => void,
): LuaTable<string, Entry[] | undefined> {
  const named = new LuaTable<Container, string>();
  for (const container of containers) named.set(container, container_name(container));
  const sorted = keys_of(named);
  table.sort(sorted, (one, other) => named.get(one) < named.get(other));
  const entries = new LuaTable<string, Entry[] | undefined>();
  for (const container of sorted) {
    add_entries(container, network, entries);
    pause();
  }
  return entries;
}
