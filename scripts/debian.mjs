/** Debian's packages, installed without starting the services that come with some of them. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { findProgram, runQuietly, stop } from "./command.mjs";

/**
 * Installs packages with apt-get; where that is not possible, ends the script with one line that names them.
 * @param {string[]} packages
 * @param {string} what what is missing, for that line
 */
export function installPackages(packages, what) {
  const apt = findProgram("apt-get");
  if (apt === undefined) stop(`${what}. On Debian it is in the packages: ${packages.join(" ")}`);
  if (process.getuid?.() !== 0) stop(`${what}. As root: apt-get install ${packages.join(" ")}`);

  console.log(`Installing Debian's packages ${packages.join(" ")}`);
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
 * Debian starts nginx (on port 80) and the exporter as it installs them, and restarts an nginx that runs;
 * /usr/sbin/policy-rc.d is Debian's way to forbid both.
 * @param {() => void} action
 */
function withoutServices(action) {
  const policy = "/usr/sbin/policy-rc.d";
  const saved = `${policy}.before-sluice`;
  const restore = () => {
    if (existsSync(saved)) renameSync(saved, policy);
    else rmSync(policy, { force: true });
  };
  // Ctrl-C reaches apt-get too, which then fails: this process must live on to put the policy back.
  const ignore = () => {};
  process.on("SIGINT", ignore).on("SIGTERM", ignore).on("exit", restore);
  if (existsSync(policy)) renameSync(policy, saved);
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  action();
  restore();
  process.off("SIGINT", ignore).off("SIGTERM", ignore).off("exit", restore);
}
