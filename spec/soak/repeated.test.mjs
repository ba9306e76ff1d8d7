/** Tests of rare faults, with ten times the tries of `npm test`. */
import { repeatMore } from "../gateway/support/repeat.mjs";

repeatMore(10);
await import("../gateway/sticky_cookie.test.mjs");
