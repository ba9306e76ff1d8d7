/**
 * States on disk that a gateway has written: with one image, with two, and after a crash during a compaction.
 */
import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { Snapshot } from "./damages.mjs";
import { startGateway } from "./gateway.mjs";
import { stateFiles } from "./state_loader.mjs";
import { serversOf, sluice, someAddress } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/** @param {string} folder */
const read = (folder) =>
  Object.fromEntries(stateFiles.map((name) => [name, readFileSync(join(folder, name))]));

/** Returns the name of the current journal. @param {import("./state_loader.mjs").Files} files */
const journalOf = (files) =>
  files["journal.0"].length > files["journal.1"].length ? "journal.0" : "journal.1";

/** Makes writes of every kind. @param {import("./api.mjs").Api} api @param {number} from */
async function write(api, from) {
  await api.expect(201, "PUT", sluice(`app-${from}`), { servers: [{ server: someAddress(from) }] });
  for (let number = 1; number < 6; number += 1) {
    const server = { server: someAddress(from + number), weight: number };
    await api.expect(201, "POST", serversOf(`app-${from}`), server);
  }
  await api.expect(200, "PATCH", `${serversOf(`app-${from}`)}/2`, { drain: true });
  await api.expect(200, "DELETE", `${serversOf(`app-${from}`)}/0`);
  const balanced = {
    method: "hash",
    hash: { key: "$uri" },
    sticky: { cookie: { name: "r" } },
    queue: { size: 2 },
  };
  await api.expect(201, "PUT", sluice(`more-${from}`), {
    ...balanced,
    servers: [{ server: someAddress(9) }],
  });
  await api.expect(201, "PUT", sluice(`gone-${from}`), { servers: [{ server: "127.0.0.4" }] });
  await api.expect(204, "DELETE", sluice(`gone-${from}`));
}

/**
 * Makes the gateway replace its journal by an image, which it does when another program has truncated the
 * journal.
 * @param {string} folder
 */
async function compact(folder) {
  const before = read(folder);
  const journal = journalOf(before);
  truncateSync(join(folder, journal), before[journal].length - 1);
  await waitFor("the journal is replaced by an image", () => {
    const now = read(folder);
    return now[journal].length === 0 && journalOf(now) !== journal;
  });
  return before;
}

/**
 * @param {import("node:test").TestContext} context
 * @returns {Promise<Record<string, Snapshot>>}
 */
export async function takeSnapshots(context) {
  const gateway = await startGateway(context, { upstreams: {} });
  const folder = join(gateway.folder, "state");
  await write(gateway.api, 100);
  const first = read(folder);
  await compact(folder);
  await write(gateway.api, 200);
  const before = await compact(folder);
  await write(gateway.api, 300);
  const last = read(folder);
  const [old, current] = [journalOf(before), journalOf(last)];
  return {
    "after the first start": new Snapshot(first, journalOf(first)),
    "with two images": new Snapshot(last, current),
    "in a compaction": new Snapshot({ ...last, [old]: before[old] }, current),
  };
}
