/** A dry run foresees what a change does, for 10,000 random documents. */
import { test } from "node:test";
import { tryDocuments } from "../gateway/support/agreement.mjs";
import { useWorkers } from "../gateway/support/nginx.mjs";

useWorkers(2);

for (let seed = 1; seed <= 10; seed += 1)
  test(`a dry run and the change agree on 1,000 random documents of seed ${seed}`, (context) =>
    tryDocuments(context, 1000, seed));
