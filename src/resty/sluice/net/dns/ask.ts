import * as clock from "../../lib/clock";
import type { Result } from "../../lib/result";
import { refusal_of_service } from "../allowed";
import { exchange, TIMEOUT, type Place } from "./exchange";
import type { DnsRecord, RecordType } from "./message";

/** Asks several DNS servers, until one answers. */

/** DNS servers of which one is asked after the other. */
export interface Resolvers {
  places: readonly Place[];
  /** The index of the server that is asked first: the one that has answered last. */
  current: number;
  /** Limit of one question to one server, in seconds. */
  patience: number;
  /** How often each server is asked that does not answer. */
  rounds: number;
  /** Limit of a question to all servers, in seconds. */
  timeout: number;
}

const PATIENCE = 1;
const ROUNDS = 2;
const NOERROR = 0;
const NXDOMAIN = 3;
const CODES: Record<number, string | undefined> = {
  1: "format error",
  2: "server failure",
  4: "not implemented",
  5: "refused",
};

/** Makes resolvers. `first` is any number; it selects the server that is asked first. */
export function new_resolvers(
  places: readonly Place[],
  first: number,
  timeout = math.huge,
  patience = PATIENCE,
  rounds = ROUNDS,
): Resolvers {
  const longest = math.min(patience, timeout);
  return { places, current: first % math.max(1, places.length), patience: longest, rounds, timeout };
}

/** Asks a server. Returns the records; none: the name or type does not exist; or undefined and the cause. */
function ask_place(
  place: Place,
  name: string,
  record_type: RecordType,
  seconds: number,
  is_over: (this: void) => boolean,
): Result<DnsRecord[]> {
  const refused = place.is_of_system === true ? undefined : refusal_of_service(place.host, place.port);
  if (refused !== undefined) return $multi(undefined, refused);
  const [answer, cause] = exchange(place, name, record_type, seconds, is_over);
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.code === NOERROR || answer.code === NXDOMAIN) return $multi(answer.records, undefined);
  return $multi(undefined, CODES[answer.code] ?? string.format("response code %d", answer.code));
}

/** Returns the causes of all servers as one text. */
function causes_text({ places }: Resolvers, causes: LuaTable<number, string | undefined>): string {
  const texts: string[] = [];
  for (const index of $range(0, places.length - 1)) {
    const cause = causes.get(index);
    if (cause !== undefined) texts.push(`${places[index].server}: ${cause}`);
  }
  return table.concat(texts, "; ");
}

/**
 * Asks the servers one by one until one answers, and those that have been silent once more. The records
 * include those of the other sections; a name or type that does not exist has none. Phases that have
 * cosockets.
 *
 * @param longest a limit of the question beside the `timeout` of the resolvers, in seconds
 */
export function ask(
  resolvers: Resolvers,
  name: string,
  record_type: RecordType,
  is_over: (this: void) => boolean,
  longest = math.huge,
): Result<DnsRecord[]> {
  const { places, current, rounds, timeout } = resolvers;
  const causes = new LuaTable<number, string | undefined>();
  const end = clock.now() + math.min(timeout, longest);
  for (const number of $range(0, rounds * places.length - 1)) {
    const index = (current + number) % places.length;
    const before = causes.get(index);
    const is_silent = before === undefined || string.find(before, TIMEOUT, 1, true)[0] !== undefined;
    const left = end - clock.now();
    if (is_over() || left <= 0) {
      // The next question begins with the server for which no time was left.
      if (number > 0 && number < places.length) resolvers.current = index;
      break;
    }
    if (is_silent) {
      const seconds = math.min(resolvers.patience, left);
      const [records, cause] = ask_place(places[index], name, record_type, seconds, is_over);
      if (records !== undefined) {
        resolvers.current = index;
        return $multi(records, undefined);
      }
      causes.set(index, cause ?? "");
    }
  }
  const text = causes_text(resolvers, causes);
  if (text === "") return $multi(undefined, `there was no time left to look up ${name}`);
  return $multi(undefined, `could not look up the ${record_type} records of ${name}: ${text}`);
}
