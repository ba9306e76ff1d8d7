/** A gateway whose time of day a test sets with libfaketime. The monotonic clock does not change. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProcessDriver } from "./drivers/process.mjs";
import { makeFolder } from "./folder.mjs";
import { makeGateway } from "./gateway.mjs";

/** Debian has the library in a folder of the machine's architecture. */
function findLibrary() {
  const paths = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "faketime/libfaketime.so.1"));
  const path = paths.find((path) => existsSync(path));
  if (path === undefined) throw new Error("libfaketime is not installed");
  return path;
}

/**
 * Starts a gateway. Its `setClock(seconds)` sets the time of day ahead of the real time or, with a negative
 * number, behind it.
 * @param {import("node:test").TestContext} context
 * @param {import("./gateway.mjs").Options} options
 */
export async function startWithClock(context, options) {
  const offset = join(makeFolder(context, "clock"), "offset");
  /** @param {number} seconds */
  const setClock = (seconds) => writeFileSync(offset, seconds < 0 ? `${seconds}` : `+${seconds}`);
  setClock(0);
  const environment = {
    LD_PRELOAD: findLibrary(),
    FAKETIME_TIMESTAMP_FILE: offset,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  // nginx clears its workers' environment.
  const main = Object.keys(environment).map((name) => `env ${name};`);
  const driver = new ProcessDriver(environment);
  const gateway = await makeGateway(context, { ...options, main: main.join("\n") }, driver);
  await gateway.start();
  return { gateway, setClock };
}
