import { iso8601 } from "../lib/iso8601";
import { encode, shape, shaped } from "../lib/json";
import { put_event } from "./dict";
import { revision } from "./read";

/** What has happened to servers: the last 1,000 changes of state, in the shared dict, and a line of the log each. */

const EVENT = shape([
  "number",
  "revision",
  "time",
  "upstream",
  "id",
  "server",
  "old_state",
  "new_state",
  "reason",
]);

/** Whose event it is. */
interface Named {
  upstream_name: string;
  server: string;
  id: number;
}

/**
 * Records a change of state. Any phase.
 *
 * @param is_trouble log it as a warning
 */
export function record_event(
  { upstream_name, server, id }: Named,
  old_state: string,
  new_state: string,
  reason: string,
  is_trouble: boolean,
): void {
  ngx.log(
    is_trouble ? ngx.WARN : ngx.NOTICE,
    `sluice: upstream ${upstream_name}: server ${server} is ${new_state}, was ${old_state}: ${reason}`,
  );
  put_event((number) =>
    encode(
      shaped(
        {
          number,
          revision: revision(),
          time: iso8601(ngx.now()),
          upstream: upstream_name,
          id,
          server,
          old_state,
          new_state,
          reason,
        },
        EVENT,
      ),
    ),
  );
}
