/** A small file system in memory that can be full or read-only. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd, atExit } from "./cleanup.mjs";

/** @param {string} program @param {string[]} args */
function run(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`this test must mount a disk: ${program}: ${error?.message ?? stderr}`);
}

/**
 * Mounts a disk that is unmounted when the test ends. Needs root.
 * @param {import("node:test").TestContext} context
 * @param {string} options of mount, such as `size=64k` or `ro`
 */
export function mountDisk(context, options) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-disk-"));
  chmodSync(folder, 0o755);
  run("mount", ["-t", "tmpfs", "-o", `mode=755,${options}`, "tmpfs", folder]);
  const cancel = atExit(() => {
    run("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true });
  });
  atEnd(context, () => {
    run("umount", [folder]);
    rmSync(folder, { recursive: true });
    cancel();
  });
  const ballast = join(folder, "ballast");
  return {
    folder,
    /** Fills the disk completely. */
    fill() {
      try {
        for (;;) writeFileSync(ballast, Buffer.alloc(4096), { flag: "a" });
      } catch (cause) {
        if (cause.code !== "ENOSPC") throw cause;
      }
    },
    free() {
      truncateSync(ballast, 0);
    },
  };
}
