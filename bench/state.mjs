import { startBackend } from "./gateway.mjs";
import { dictUsed, measureMemory } from "./memory.mjs";
import { measureStart } from "./start_time.mjs";
import { createUpstreams, newStoringGateway, SERVERS_PER_UPSTREAM, SHARED_DICT } from "./stored.mjs";
import { measureWrites } from "./writes.mjs";

const FEW = 10;
const MANY = 10_000;
const SERVED = [0, 1, 1000, MANY];

/**
 * @param {string[]} addresses
 * @param {number} upstreams
 */
async function storeUpstreams(addresses, upstreams) {
  console.error(`making ${upstreams} upstreams of ${SERVERS_PER_UPSTREAM} servers`);
  const gateway = await newStoringGateway(addresses);
  gateway.launch();
  await createUpstreams(gateway.place.apiPort, upstreams, addresses);
  await gateway.findWorker();
  return { gateway, upstreams };
}

/**
 * Measures the cost of many stored upstreams: of a write, of a start, and of memory.
 * @param {{ starts: number, batches: number, batchSize: number }} options
 */
export async function measureState(options) {
  const backend = await startBackend(SERVERS_PER_UPSTREAM);
  const few = await storeUpstreams(backend.addresses, FEW);
  const many = await storeUpstreams(backend.addresses, MANY);
  const added = (MANY - FEW) * SERVERS_PER_UPSTREAM;
  const dictPerServer = ((await dictUsed(many.gateway)) - (await dictUsed(few.gateway))) / added;
  const writes = await measureWrites([few, many], options);
  console.error("starts from the saved state");
  const starts = [];
  for (const { gateway, upstreams } of [few, many]) {
    starts.push({ upstreams, milliseconds: await measureStart(gateway, upstreams, options.starts) });
  }
  console.error("memory");
  const memory = [...(await measureMemory(few, [0])), ...(await measureMemory(many, SERVED))];
  for (const { gateway } of [few, many]) {
    gateway.checkLog();
    await gateway.stop();
  }
  await backend.stop();
  return {
    serversPerUpstream: SERVERS_PER_UPSTREAM,
    sharedDict: SHARED_DICT,
    dictPerServer,
    writes,
    starts,
    memory,
  };
}
