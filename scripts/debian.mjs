/** Installs Debian packages without starting their services. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { findProgram, runQuietly, stop } from "./command.mjs";

/**
 * Installs packages with apt-get. Where that is not possible, ends the script with a message that names them.
 * @param {string[]} packages
 * @param {string} what the beginning of that message
 */
export function installPackages(packages, what) {
  const apt = findProgram("apt-get");
  if (apt === undefined) stop(`${what}. Debian's packages are: ${packages.join(" ")}`);
  if (process.getuid?.() !== 0) stop(`${what}. Run as root: apt-get install ${packages.join(" ")}`);

  console.log(`Installing Debian packages: ${packages.join(" ")}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = ["-qq", "-o", "DPkg::Lock::Timeout=300"];
  withoutServices(() => {
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
      const { ok, output } = runQuietly(apt, [...options, ...args], environment);
      if (!ok) stop(`${output.trim()}\n${what}, and apt-get ${args[0]} failed`);
    }
  });
}

/**
 * Runs an action while Debian's packages may not start or restart services. Otherwise their installation
 * would start nginx on port 80 and the exporter, and restart a running nginx. Debian's means for this is
 * /usr/sbin/policy-rc.d.
 * @param {() => void} action
 */
function withoutServices(action) {
  const policy = "/usr/sbin/policy-rc.d";
  const saved = `${policy}.before-sluice`;
  const restore = () => {
    if (existsSync(saved)) renameSync(saved, policy);
    else rmSync(policy, { force: true });
  };
  // Ctrl-C also reaches apt-get, which then fails. This process must continue, to restore the policy.
  const ignore = () => {};
  process.on("SIGINT", ignore).on("SIGTERM", ignore).on("exit", restore);
  if (existsSync(policy)) renameSync(policy, saved);
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  action();
  restore();
  process.off("SIGINT", ignore).off("SIGTERM", ignore).off("exit", restore);
}
