import type { Options } from "../config/options";
import { parse_size } from "../config/size";
import type { UpstreamConfig } from "../config/upstream";
import * as clock from "../lib/clock";
import { with_late_collection } from "../lib/garbage";
import { absolute_folder, use_folder } from "./disk/files";
import { load_health } from "./disk/health";
import { save_state } from "./disk/image";
import type { LoadedServer } from "./disk/loaded";
import { to_document } from "./disk/replay";
import { set_fsync } from "./disk/sync";
import * as disk from "./disk/writer";
import { NO_HISTORY, set_clustered } from "./document/clustered";
import { format_document, type Document } from "./document/document";
import { read } from "./document/read";
import { replace_upstream } from "./document/replace";
import { SETUP } from "./history/author";
import { use_extent } from "./history/files";
import { load_history } from "./history/load";
import { restore_limits } from "./limits";
import { Row, UpstreamRow } from "./memory/cells";
import { Header } from "./memory/header_cells";
import { Check } from "./memory/states";
import * as dict from "./memory/dict";
import { acquire_now, Lock, make_locks, release_after, renounce } from "./memory/lock";
import { attach, create, row_at, shared_memory } from "./memory/region";
import { allocate_row, hold_row } from "./memory/rows";
import { is_deleted_seed, name_seed, restore_deleted_seed } from "./memory/seeds";
import { count_slots } from "./memory/slots";
import { lacks_init_worker } from "./nginx_conf";
import { note_old_places } from "./old_places";
import { restore_scaling } from "./scaling";
import { differs, report_seeds } from "./seed_report";
import { line_of, note_loaded } from "./split_note";
import { looked_up } from "./system_lookup";
import { restore_proof } from "./unproven";
import { write_all_under_lock, type NamedEdit } from "./write";

/** A server takes at least this many bytes of the dict, which bounds the number of rows. */
const LEAST_BYTES_PER_ROW = 48;
/** Slots for the workers of so many reloads, while earlier ones finish. A slot costs only addresses. */
const OVERLAPPING_RELOADS = 64;
const WANTED_WORKERS = 256;
/** Fewer slots will do where addresses are scarce (ulimit -v, vm.overcommit_memory = 2). */
const LEAST_RELOADS = 2;
const LEAST_WORKERS = 16;

function map_region(state_dir: string | undefined): void {
  const rows = math.floor(dict.dict_capacity() / LEAST_BYTES_PER_ROW) + 1;
  let workers = math.max(WANTED_WORKERS, ngx.worker.count() * OVERLAPPING_RELOADS);
  const least = math.max(LEAST_WORKERS, ngx.worker.count() * LEAST_RELOADS);
  let [address, cause] = create(rows, workers);
  while (address === undefined && workers > least) {
    workers = math.max(least, math.floor(workers / 2));
    [address, cause] = create(rows, workers);
  }
  if (address === undefined) return error(cause as string, 0);
  const notes = { state_dir: state_dir ?? "", drain: 0, last_event: 0, history: NO_HISTORY, grace: 0 };
  let fits = dict.remember("region", address);
  for (const [note, value] of pairs(notes)) fits &&= dict.remember(note, value);
  if (!fits) error("lua_shared_dict is too small", 0);
  shared_memory()[Header.WALL_OFFSET] = clock.wall_offset();
  shared_memory()[Header.STARTED_AT] = math.floor(clock.wall_time() * 1000);
}

/** Uses the memory that this nginx mapped earlier. Returns false when its layout differs. */
function attach_region(address: number): boolean {
  if (!attach(address)) return false;
  clock.keep_wall_offset(shared_memory()[Header.WALL_OFFSET]);
  return true;
}

/** After a restart, servers wait for a mandatory check again, unless a passed one is `persistent`. */
function hold_unchecked({ row, health_check }: Document, servers: readonly LoadedServer[]): void {
  if (health_check === undefined) return;
  const memory = shared_memory();
  memory[row_at(row) + UpstreamRow.WAS_CHECKED] = 1;
  if (!health_check.mandatory) return;
  for (const { row: server_row } of servers) {
    const check: Check = memory[row_at(server_row) + Row.CHECK];
    const has_passed = health_check.persistent && check === Check.PASSED;
    if (check !== Check.FAILED && !has_passed) hold_row(server_row, clock.now());
  }
}

/** Writes the first image, or one that replaces an earlier format. Raises a text on failure. */
function rewrite(revision: number): void {
  let [done, cause] = disk.change_journal(revision);
  if (done !== undefined) [done, cause] = save_state(revision);
  if (done === undefined) error(`could not save the state: ${cause ?? ""}`, 0);
}

function load_state(state_dir: string): void {
  const [state, cause, needs_image] = disk.load(state_dir);
  if (state === undefined) return error(`could not load the state: ${cause ?? ""}`, 0);
  // The seeds must be known before the state may be rewritten.
  for (const name of state.deleted_seeds) restore_deleted_seed(name);
  const loaded: { name: string; document: Document; servers: LoadedServer[] }[] = [];
  for (const [name, saved] of pairs(state.upstreams)) {
    const [document, servers] = to_document(saved, allocate_row);
    if (document === undefined || !dict.put_text(name, format_document(document))) {
      error("could not load the state: it does not fit into lua_shared_dict", 0);
    } else {
      loaded.push({ name, document, servers });
      shared_memory()[row_at(document.row) + UpstreamRow.REVISION] = document.revision;
    }
  }
  const lines: string[] = [];
  for (const { name, document } of loaded) {
    if (document.split !== undefined) lines.push(line_of(name, document.split));
  }
  if (!note_loaded(lines)) error("could not load the state: it does not fit into lua_shared_dict", 0);
  shared_memory()[Header.REVISION] = state.revision;
  if (needs_image === true) rewrite(state.revision);
  load_history(state_dir, state.revision);
  load_health();
  for (const { name, document, servers } of loaded) {
    hold_unchecked(document, servers);
    restore_proof(document, servers);
    restore_scaling(document);
    restore_limits(name, document, servers);
  }
}

/** Refuses a reload whose workers would find no slot: they could not serve. The running ones continue. */
function check_slots(): void {
  const [slots, free] = count_slots();
  const workers = ngx.worker.count();
  if (workers <= free) return;
  error(
    `could not start ${workers} more workers: ${slots - free} of at most ${slots} are running; wait until workers ` +
      "of earlier reloads have ended (worker_shutdown_timeout limits how long they take), or restart nginx",
    0,
  );
}

function seed_of(name: string, config: UpstreamConfig): NamedEdit {
  const [servers, unknown] = looked_up(config.servers);
  if (servers === undefined) error(`could not create upstream ${name}: ${unknown ?? ""}`, 0);
  return {
    name,
    edit: (current, revision) => {
      if (current === undefined) return replace_upstream(undefined, { ...config, servers }, revision);
      return $multi(current, undefined);
    },
  };
}

function plant(seeds: readonly NamedEdit[]): void {
  const [refused] = write_all_under_lock(seeds, SETUP, "all").problems;
  if (refused === undefined) return;
  error(`could not create upstream ${refused.name ?? seeds[0].name}: ${refused.problem.text}`, 0);
}

/** Creates the upstreams of seeds. Splits come last, together, because their members must exist. */
function plant_missing(missing: readonly string[], seeds: LuaTable<string, UpstreamConfig>): void {
  const splits: NamedEdit[] = [];
  for (const name of missing) {
    const config = seeds.get(name);
    const seed = seed_of(name, config);
    if (config.split === undefined) plant([seed]);
    else splits.push(seed);
  }
  if (splits.length > 0) plant(splits);
}

/** Saves new seeds. Without any it takes no lock, so that a stopped writer delays no reload. */
function plant_all(seeds: LuaTable<string, UpstreamConfig>, prefix: string): void {
  const missing: string[] = [];
  const changed: string[] = [];
  const deleted: string[] = [];
  for (const [name, seed] of pairs(seeds)) {
    name_seed(name);
    const document = read(name);
    if (document !== undefined && differs(document, seed)) changed.push(name);
    else if (document === undefined) (is_deleted_seed(name) ? deleted : missing).push(name);
  }
  report_seeds(changed, deleted, prefix);
  if (missing.length === 0) return;
  const [locked, busy] = acquire_now();
  if (locked === undefined) error(`could not create upstream ${missing[0]}: ${busy ?? ""}`, 0);
  release_after(Lock.WRITE, () => {
    plant_missing(missing, seeds);
  });
}

function open_dict({ shared_dict, fsync, history, cluster }: Options): void {
  if (!dict.open_dict(shared_dict)) error(`nginx.conf has no "lua_shared_dict ${shared_dict}"`, 0);
  set_fsync(fsync);
  use_extent({ changes: history.changes, max_size: parse_size(history.max_size) ?? 0 });
  set_clustered(cluster !== undefined);
}

/** Uses this worker's store in a new Lua VM (`lua_code_cache off`). Phase: init_by_lua. Raises a text. */
export function reopen_store(options: Options): void {
  open_dict(options);
  const region = dict.recall("region") as number | undefined;
  if (region === undefined || !attach_region(region)) error("this worker has no memory of Sluice", 0);
  // Timers write the images, in the VM that outlives requests.
  renounce(Lock.IMAGE);
  renounce(Lock.HEALTH);
}

/** Opens the store at a start or at a reload. Phase: init_by_lua. Raises a text on failure. */
export function open_store(options: Options): void {
  open_dict(options);
  if (lacks_init_worker()) {
    const hook = 'init_worker_by_lua_block { require("resty.sluice").init_worker() }';
    error(`nginx.conf has no init_worker_by_lua, without which no worker can serve: add ${hook}`, 0);
  }
  const state_dir = options.state_dir === undefined ? undefined : absolute_folder(options.state_dir);
  const region = dict.recall("region") as number | undefined;
  if (region === undefined) {
    map_region(state_dir);
    make_locks();
    disk.open(state_dir);
    if (state_dir === undefined) {
      ngx.log(ngx.WARN, "sluice: no state_dir: changes are kept in memory only");
    } else {
      with_late_collection(() => {
        load_state(state_dir);
      });
    }
  } else {
    if (!attach_region(region)) error("another version of Sluice has left its memory: restart nginx", 0);
    if (dict.recall("state_dir") !== (state_dir ?? "")) {
      error("state_dir cannot be changed by a reload: restart nginx", 0);
    }
    if (state_dir !== undefined) use_folder(state_dir);
  }
  check_slots();
  plant_all(options.upstreams, options.api.prefix);
  note_old_places();
  const memory = shared_memory();
  if (region === undefined) memory[Header.START_REVISION] = memory[Header.REVISION];
  memory[Header.GENERATION] = memory[Header.GENERATION] + 1;
  memory[Header.LOADED] = clock.now();
}
