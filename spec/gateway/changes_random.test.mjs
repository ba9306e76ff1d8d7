/** A dry run foresees what a change does, for random documents. */
import { test } from "node:test";
import { tryDocuments } from "./support/agreement.mjs";
import { useWorkers } from "./support/nginx.mjs";

useWorkers(2);

test("a dry run and the change agree on random documents, and the change does what it says", (context) =>
  tryDocuments(context, 300, 1));
