/** Random histories of changes of many upstreams, of killed workers and of restarts. */
import { test } from "node:test";
import { runHistories } from "../gateway/support/histories.mjs";
import { useWorkers } from "../gateway/support/nginx.mjs";

useWorkers(4);

test("after any history of changes and crashes the upstreams are those of the model", (context) =>
  runHistories(context, 1000));
