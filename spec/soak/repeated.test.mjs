/** Runs tests of rare faults with ten times the tries of `npm test`. */
import { repeatMore } from "../gateway/support/repeat.mjs";

repeatMore(10);
await import("../gateway/crash.test.mjs");
await import("../gateway/max_conns.test.mjs");
await import("../gateway/sticky_cookie.test.mjs");
await import("../gateway/zero_stale.test.mjs");
