/**
 * Imitates the parts of systemd that a unit of Type=forking needs: its folders, user, commands and signals.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atExit } from "../../gateway/support/cleanup.mjs";
import { ErrorLog } from "../../gateway/support/error_log.mjs";
import { membersOf, signal } from "../../gateway/support/processes.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/** A user from the range of DynamicUser=. A test without root keeps its user. */
const user = process.getuid?.() === 0 ? 61_234 : undefined;

/** The parents of the folders that systemd makes for a unit. */
const places = { State: "/var/lib", Runtime: "/run", Cache: "/var/cache" };

export class Service {
  /** The main process while the service runs. @type {number | undefined} */
  mainPid;
  #cancelKill = () => {};

  /**
   * @param {string} text of the unit
   * @param {string} root the folder with its folders
   */
  constructor(text, root) {
    this.root = root;
    this.user = user ?? process.getuid?.();
    this.log = new ErrorLog(join(root, "journal"));
    this.settings = text.split("\n").flatMap((line) => {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, value]];
    });
    for (const [kind, place] of Object.entries(places)) {
      const folder = join(root, place, this.value(`${kind}Directory`));
      mkdirSync(folder, { recursive: true });
      if (user !== undefined) chownSync(folder, user, user);
      chmodSync(folder, Number.parseInt(this.value(`${kind}DirectoryMode`), 8));
    }
  }

  /** Returns the value of a setting that the unit has exactly once. @param {string} key */
  value(key) {
    const values = this.settings.filter(([name]) => name === key).map(([, value]) => value);
    if (values.length !== 1) throw new Error(`the unit must have one ${key}=, but has ${values.length}`);
    return values[0];
  }

  /** Runs the command of a setting. Returns its exit status. @param {string} key */
  async #run(key) {
    const rights = `setpriv --reuid=${user} --regid=${user} --clear-groups --bounding-set=-all --inh-caps=-all`;
    const asUser = user === undefined ? "" : `${rights} --no-new-privs`;
    // LimitNOFILE is not applied, because raising it needs a privilege that a test may not have.
    const command = `umask ${this.value("UMask")} && exec ${asUser} ${this.value(key)}`;
    const journal = openSync(this.log.path, "a");
    const child = spawn("sh", ["-c", command], { cwd: "/", env: {}, stdio: ["ignore", journal, journal] });
    closeSync(journal);
    const [status] = await once(child, "exit");
    return status;
  }

  /** Acts as `systemctl start`. Returns the exit status of nginx. */
  async start() {
    const status = await this.#run("ExecStart");
    if (status !== 0) return status;
    const path = this.value("PIDFile");
    // nginx writes the pid file after it has gone to the background.
    this.mainPid = await waitFor("nginx writes its pid file", () => {
      return existsSync(path) && Number(readFileSync(path, "utf8"));
    });
    const group = this.mainPid;
    this.#cancelKill = atExit(() => signal(-group, "SIGKILL"));
    return 0;
  }

  /** Acts as `systemctl reload`. Returns the exit status of the command. */
  reload() {
    return this.#run("ExecReload");
  }

  /** @returns {number[]} the main process, and its workers */
  processes() {
    return this.mainPid === undefined ? [] : membersOf(this.mainPid);
  }

  /**
   * Acts as `systemctl stop`, which signals the main process because of KillMode=mixed. Fails if systemd
   * would have to send SIGKILL.
   */
  async stop() {
    const main = this.mainPid;
    if (main === undefined) return;
    const seconds = Number(/^(\d+)s$/.exec(this.value("TimeoutStopSec"))?.[1]);
    signal(main, this.value("KillSignal"));
    await waitFor("no process of the service is left", () => membersOf(main).length === 0, seconds * 1000);
    this.#cancelKill();
    this.mainPid = undefined;
  }
}
