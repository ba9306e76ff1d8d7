import { VERSION } from "../../lib/version";
import { displaced } from "../../store/disk/files";
import * as disk from "../../store/disk/writer";
import { Header } from "../../store/memory/header_cells";
import { dict_capacity, dict_free_space } from "../../store/memory/dict";
import { get_refusals } from "../../store/memory/refusals";
import { revision, shared_memory } from "../../store/memory/region";
import { note_lua_memory } from "../../store/memory/slots";
import { running_workers } from "../../store/memory/workers";
import { WRITE_BOUNDS, write_times } from "../../store/memory/write_times";
import { columns, single, type Family, type Head } from "./family";
import { bound_labels, write_histogram } from "./histograms";
import { label } from "./labels";

/** The families of the gateway: its store and its processes. */

/** Codes for which alerts are likely. A counter that begins with 1 has no increase for Prometheus. */
const SERVER_CODES = ["StateNotSaved", "StoreBusy", "UpstreamOutOfMemory"];
const WRITE_ENDS = bound_labels(WRITE_BOUNDS);

/** Makes a family whose items are the values of one label. */
function by_label(head: Head, name: string, values: LuaTable<string, number | undefined>): Family {
  const labels: string[] = [];
  for (const [value] of pairs(values)) labels.push(value);
  table.sort(labels);
  const numbers: number[] = [];
  for (const index of $range(0, labels.length - 1)) {
    numbers[index] = values.get(labels[index]) ?? 0;
    labels[index] = label(name, labels[index]);
  }
  return columns(head, labels, [{ labels: "", values: numbers }]);
}

function write_time_family(): Family {
  const name = "sluice_store_write_seconds";
  return {
    name,
    type: "histogram",
    unit: "seconds",
    help: "Time of a write from the lock to its publication.",
    items: 1,
    step: 1,
    write: (out) => {
      write_histogram(out, name, "", WRITE_ENDS, write_times(), shared_memory()[Header.WRITE_SECONDS]);
    },
  };
}

/** The families of the files of `state_dir`; without that folder there are none. */
function disk_families(): Family[] {
  if (!disk.is_open()) return [];
  const [journal_bytes, image_bytes] = disk.sizes();
  const is_saved = displaced() === undefined && !disk.is_cut();
  return [
    single(
      {
        name: "sluice_store_saved",
        type: "gauge",
        help: "0 while changes cannot be saved in state_dir, else 1.",
      },
      is_saved ? 1 : 0,
    ),
    single(
      { name: "sluice_store_journal_bytes", type: "gauge", unit: "bytes", help: "Size of the journals." },
      journal_bytes,
    ),
    single(
      { name: "sluice_store_image_bytes", type: "gauge", unit: "bytes", help: "Size of the image." },
      image_bytes,
    ),
    single(
      { name: "sluice_store_compactions", type: "counter", help: "Journals that an image has replaced." },
      shared_memory()[Header.COMPACTIONS],
    ),
  ];
}

/** Returns the numbers of refused writes, 0 for the codes that are always shown. */
function refusals_by_code(): LuaTable<string, number | undefined> {
  const refusals = get_refusals();
  for (const code of SERVER_CODES) refusals.set(code, refusals.get(code) ?? 0);
  return refusals;
}

function store_families(): Family[] {
  return [
    single(
      { name: "sluice_store_revision", type: "gauge", help: "Revision of the last change of any upstream." },
      revision(),
    ),
    single(
      { name: "sluice_store_writes", type: "counter", help: "Changes of upstreams." },
      shared_memory()[Header.WRITES],
    ),
    by_label(
      {
        name: "sluice_store_refused_writes",
        type: "counter",
        help: "Requests for a change that the API refused, by the code of the error.",
      },
      "code",
      refusals_by_code(),
    ),
    write_time_family(),
    single(
      { name: "sluice_store_dict_bytes", type: "gauge", unit: "bytes", help: "Size of lua_shared_dict." },
      dict_capacity(),
    ),
    single(
      {
        name: "sluice_store_dict_free_bytes",
        type: "gauge",
        unit: "bytes",
        help: "Size of the free pages of lua_shared_dict.",
      },
      dict_free_space(),
    ),
  ];
}

/** The families of the workers. A worker without a slot serves no requests. */
function process_families(): Family[] {
  note_lua_memory();
  const [present, exiting] = running_workers();
  const memory = new LuaTable<string, number | undefined>();
  let count = 0;
  for (const { id, lua_bytes } of present) {
    memory.set(string.format("%d", id), lua_bytes);
    count += 1;
  }
  return [
    single(
      { name: "sluice_workers", type: "gauge", help: "Worker processes of the present configuration." },
      ngx.worker.count(),
    ),
    single(
      {
        name: "sluice_workers_without_slot",
        type: "gauge",
        help: "Workers without a slot for counters, which answer 502.",
      },
      math.max(0, ngx.worker.count() - count),
    ),
    single(
      { name: "sluice_workers_exiting", type: "gauge", help: "Workers of earlier configurations." },
      exiting,
    ),
    by_label(
      {
        name: "sluice_worker_lua_memory_bytes",
        type: "gauge",
        unit: "bytes",
        help: "Memory of the Lua VM of a worker, up to 5 s ago.",
      },
      "worker",
      memory,
    ),
  ];
}

/** Makes the families. Any phase. */
export function gateway_families(): Family[] {
  const build = { name: "sluice_build", type: "info", help: "Version of Sluice." } as const;
  const families = [columns(build, [label("version", VERSION)], [{ labels: "", values: [1] }])];
  for (const family of store_families()) families.push(family);
  for (const family of disk_families()) families.push(family);
  for (const family of process_families()) families.push(family);
  return families;
}
