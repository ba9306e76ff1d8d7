/**
 * Starts an example of examples/ from its own files. Only ports, the number of workers and the path of dist/
 * differ.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../../scripts/setup.mjs";
import { Api } from "../../gateway/support/api.mjs";
import { atEnd } from "../../gateway/support/cleanup.mjs";
import { makeDriver } from "../../gateway/support/drivers/driver.mjs";
import { ErrorLog } from "../../gateway/support/error_log.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { Nginx } from "../../gateway/support/nginx.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { commandsOf, replaceIn } from "./files.mjs";

const execute = promisify(execFile);

export class Example extends Nginx {
  /**
   * @param {string} name of its folder in examples/
   * @param {string} folder with the copy of the example
   * @param {Map<number, number>} ports of the test by ports of the example
   * @param {import("../../gateway/support/drivers/driver.mjs").Driver} driver
   */
  constructor(name, folder, ports, driver) {
    const log = new ErrorLog(join(folder, ".sluice", "error.log"));
    super(driver, ["-e", "stderr", "-p", folder, "-c", "nginx.conf"], {
      log,
      api: new Api({ port: ports.get(8081) }),
    });
    this.name = name;
    this.folder = folder;
    this.ports = ports;
  }

  /** Returns the test's port for a port of the example. @param {number} written in the example's files */
  port(written) {
    const port = this.ports.get(written);
    if (port === undefined) throw new Error(`examples/${this.name}: unknown port ${written}`);
    return port;
  }

  /** Replaces the ports in a text of the example. @param {string} text */
  translate(text) {
    return text.replace(/\b\d{4}\b/g, (digits) => String(this.ports.get(Number(digits)) ?? digits));
  }

  /**
   * Changes nginx.conf for the next start.
   * @param {[from: string, to: string][]} replacements each text must occur exactly once
   */
  configure(...replacements) {
    const path = join(this.folder, "nginx.conf");
    writeFileSync(
      path,
      replaceIn(readFileSync(path, "utf8"), `examples/${this.name}/nginx.conf`, replacements),
    );
  }

  /**
   * Returns the commands below a heading of the example's README, with the test's ports.
   * @param {string} heading
   */
  commands(heading) {
    return commandsOf(join(root, "examples", this.name, "README.md"), heading).map((line) =>
      this.translate(line),
    );
  }

  /**
   * Runs a command in the example's folder. Returns its output.
   * @param {string} command
   */
  async run(command) {
    return (await execute("bash", ["-c", command], { cwd: this.folder })).stdout;
  }

  /** Runs a command of the README that calls the API. Returns the parsed answer. @param {string} command */
  async ask(command) {
    const printed = await this.run(command);
    return printed === "" ? undefined : JSON.parse(printed);
  }
}

/**
 * Copies an example to a temporary folder, with free ports. When the test ends, the example is stopped and
 * its log must be clean.
 * @param {import("node:test").TestContext} context
 * @param {string} name of its folder in examples/
 * @param {number[]} written all ports in its nginx.conf and README
 */
export async function makeExample(context, name, written) {
  const folder = makeFolder(context, `example-${name}`);
  cpSync(join(root, "examples", name), folder, {
    recursive: true,
    filter: (path) => !path.endsWith(".sluice"),
  });
  mkdirSync(join(folder, ".sluice"));
  const ports = new Map();
  for (const port of written) ports.set(port, await freePort());

  const example = new Example(name, folder, ports, await makeDriver());
  const path = join(folder, "nginx.conf");
  writeFileSync(path, replacePorts(readFileSync(path, "utf8"), example));
  example.configure(
    ["$prefix/../../dist/", `${root}/dist/`],
    ["worker_processes auto;", `worker_processes ${example.workerCount};`],
  );
  atEnd(context, async () => {
    await example.stop();
    example.log.assertClean();
  });
  return example;
}

/**
 * Replaces the ports of an nginx.conf. Fails for an unknown port.
 * @param {string} text
 * @param {Example} example
 */
function replacePorts(text, example) {
  return text.replace(/(127\.0\.0\.1):(\d+)/g, (_, host, port) => `${host}:${example.port(Number(port))}`);
}

/**
 * Copies an example and starts it.
 * @param {import("node:test").TestContext} context
 * @param {string} name
 * @param {number[]} written
 */
export async function startExample(context, name, written) {
  const example = await makeExample(context, name, written);
  await example.start();
  return example;
}
