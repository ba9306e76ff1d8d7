import { block, with_default, type ConfigOf } from "./block";
import { invalid_value } from "./problem";
import { number_from, whole_from } from "./values";

const LARGEST = 1000000;

/** The value of `max_conns` of a server whose limit the gateway finds by itself. */
export const ADAPTIVE = "adaptive";

/** Bounds of the limits that the gateway finds for servers with `"max_conns": "adaptive"`. */
export const ADAPTIVE_LIMIT = block(
  {
    /** The lowest limit of a server. */
    min: with_default(whole_from(1, LARGEST), 1),
    /** The highest limit of a server. */
    max: with_default(whole_from(1, LARGEST), 1000),
    /**
     * How many times as long as with few requests a response may take: 1.1 to 10. A lower value means shorter
     * waits in the servers, a higher one fewer refused requests.
     */
    tolerance: with_default(number_from(1.1, 10), 1.5),
  },
  (path, { min, max }, given) => {
    if (min <= max) return undefined;
    return given.max === undefined
      ? invalid_value(`${path}.min`, 'must not be more than "max"')
      : invalid_value(`${path}.max`, 'must not be less than "min"');
  },
);
export type AdaptiveLimitConfig = ConfigOf<typeof ADAPTIVE_LIMIT>;

/** The bounds of an upstream that has none of its own. */
export const DEFAULT_BOUNDS: AdaptiveLimitConfig = { min: 1, max: 1000, tolerance: 1.5 };
