import { Header, shared_memory } from "./region";
import { is_open } from "./disk";
import { acquire, release } from "./lock";
import { save_image } from "./image";

/** The journal is replaced by a new image when it is larger than this, and than the image. */
const LEAST_JOURNAL_BYTES = 1048576;

/** 0 would do, but without OpenResty's patches nginx warns of it. */
const PAUSE_SECONDS = 0.001;

function is_due(): boolean {
  const memory = shared_memory();
  return (
    is_open() && memory[Header.JOURNAL_BYTES] > math.max(LEAST_JOURNAL_BYTES, memory[Header.IMAGE_BYTES])
  );
}

function pause(this: void): void {
  ngx.sleep(PAUSE_SECONDS);
}

/** Writes a new image if the journal has grown long, with pauses for the worker's requests. Phase: timer. */
export function compact_when_due(): void {
  if (!is_due()) return;
  const [locked, busy] = acquire();
  if (locked === undefined) {
    ngx.log(ngx.WARN, `sluice: ${busy ?? ""}`);
    return;
  }
  const [returned, saved, cause] = pcall(() => save_image(pause));
  release();
  if (!returned || saved === undefined) ngx.log(ngx.WARN, `sluice: ${tostring(cause ?? saved)}`);
}
