/**
 * Known faults, put back into the compiled Lua: the simulation must find each of them. A text that a change
 * replaces must be in the module exactly once.
 *
 * @typedef {{ module: string, from: string, to: string }} ModuleChange
 * @typedef {{ name: string, about: string, scenario: string, changes: ModuleChange[] }} Mutation
 */

/**
 * @param {string} path below src/resty/sluice
 * @param {string} from
 * @param {string} to
 * @returns {ModuleChange}
 */
function change(path, from, to) {
  return { module: `src.resty.sluice.${path.replaceAll("/", ".")}`, from, to };
}

/** Sizes that make rare work frequent. */
export const SETTINGS = [
  change("store/compaction", "local LEAST_JOURNAL_BYTES = 1048576", "local LEAST_JOURNAL_BYTES = 5000"),
];

/** @type {Omit<Mutation, "scenario">[]} */
const OF_ONE_GATEWAY = [
  {
    name: "repair_late",
    about: "a journalled write of a killed worker becomes visible only at the next write",
    changes: [
      change(
        "store/unfinished",
        "function ____exports.finish_write()\n",
        "function ____exports.finish_write()\n    do return end\n",
      ),
    ],
  },
  {
    name: "acknowledged_unsaved",
    about: "a change is acknowledged although the journal could not be written",
    changes: [change("store/commit", "if unsaved ~= nil then", "if false then")],
  },
  {
    name: "published_before_journal",
    about: "a change is published before the journal holds it",
    changes: [
      change(
        "store/commit",
        "    local unsaved = ____exports.append(entry, line)\n",
        "    publish_write(notes)\n    local unsaved = ____exports.append(entry, line)\n",
      ),
    ],
  },
  {
    name: "fsync_ignored",
    about: "a change is acknowledged before the disk holds it, with fsync on",
    changes: [change("store/disk/sync", "    if not is_on then\n", "    if true then\n")],
  },
  {
    name: "sync_not_awaited",
    about: "a change counts when its asynchronous sync has begun, not when it has ended",
    changes: [change("store/disk/sync", "local code = end_of_sync(id, true)", "local code = 0")],
  },
  {
    name: "group_acknowledged_unsaved",
    about: "the changes of a group are acknowledged although the journal could not be written",
    changes: [
      change(
        "store/group/group",
        "    if cause ~= nil then\n        ____exports",
        "    if false then\n        ____exports",
      ),
    ],
  },
  {
    name: "image_not_synced",
    about: "an image counts before the disk holds it",
    changes: [
      change("store/disk/writer", "local ____temp_1 = {sync_file(fd)}", "local ____temp_1 = {true, nil}"),
    ],
  },
  {
    name: "lock_of_the_process",
    about: "two requests of one worker hold the write lock, which the kernel grants a process twice",
    changes: [change("store/memory/lock", "if held[lock] or not try_lock(", "if not try_lock(")],
  },
  {
    name: "text_not_staged",
    about: "a text replaces the old one in a full dict without reserved memory or a copy",
    changes: [
      change(
        "store/memory/staging",
        "    local before = get_text(name)\n",
        "    local before = get_text(name)\n    do return text end\n",
      ),
    ],
  },
  {
    name: "repair_missing",
    about: "a change does not first finish the write of a killed worker",
    changes: [change("store/write", "    repair()\n", ""), change("store/group/group", "    repair()\n", "")],
  },
  {
    name: "group_repaired_partly",
    about: "of the upstreams that the group of a killed worker changes, only the first is finished",
    changes: [
      change(
        "store/unfinished",
        "complete_put(number - 1, name, made)\n",
        "complete_put(number - 1, name, made)\n" +
          "            if shared_memory()[66] < shared_memory()[8] then break end\n",
      ),
    ],
  },
  {
    name: "several_repaired_partly",
    about: "of the upstreams that a killed worker was changing in one step, only the first is finished",
    changes: [
      change(
        "store/unfinished",
        "complete_put(number - 1, name, made)\n",
        "complete_put(number - 1, name, made)\n" +
          "            if shared_memory()[66] == shared_memory()[8] then break end\n",
      ),
    ],
  },
  {
    name: "rows_lost",
    about: "the rows that a killed worker has allocated for a change, or had to free after one, stay unused",
    changes: [change("store/lost_rows", "if not has_died() then", "if true then")],
  },
  {
    name: "torn_line_believed",
    about: "the write of a dead writer is published although its line in the journal is torn",
    changes: [change("store/unfinished", "is_journalled and complete(changes)", "complete(changes)")],
  },
  {
    name: "deleted_seed_returns",
    about: "a deleted upstream comes back with the next start because setup names it",
    changes: [change("store/open", "is_deleted_seed(name) and deleted or missing", "missing")],
  },
  {
    name: "change_overlooked",
    about: "a reader overlooks the first change since its last look",
    changes: [
      change("store/memory/changes", "names_between(before + 1, now)", "names_between(before + 2, now)"),
    ],
  },
];

/** @type {Omit<Mutation, "scenario">[]} */
const OF_BACKGROUND = [
  {
    name: "durations_by_the_wall_clock",
    about: "durations follow the time of day, so that setting it ends registrations",
    changes: [
      change(
        "lib/clock",
        "____exports.now = is_readable and nginx_now or ____exports.kernel_now",
        "____exports.now = function() return ngx.now() end",
      ),
    ],
  },
  {
    name: "answered_call_repeated",
    about: "a worker forgets which call of the webhook was answered, and repeats it",
    changes: [
      change(
        "control/calls",
        "local is_heard = (call and call.is_heard) == true or is_answered(upstream, id)",
        "local is_heard = false",
      ),
    ],
  },
  {
    name: "last_server_removed",
    about: "the guard confirms the removal of the last servers as that of others",
    changes: [change("discovery/guard", "step.removed > 0 and step.wanted == 0", "false")],
  },
  {
    name: "call_while_calling",
    about: "a call of the webhook is made again while its answer is awaited",
    changes: [change("control/calls", "call == nil or memo.is_calling or", "call == nil or")],
  },
];

/** @type {Omit<Mutation, "scenario">[]} */
const OF_CLUSTER = [
  {
    name: "watch_begins_late",
    about: "the watch begins one change after the list of keys",
    changes: [change("cluster/follow", "revision + 1", "revision + 2")],
  },
  {
    name: "lost_history_followed",
    about: "a gateway waits for changes of an etcd that has lost its data since the list of keys",
    changes: [change("cluster/history", "        ____temp_13 = ____exports.NEW_HISTORY\n", "")],
  },
  {
    name: "compaction_overlooked",
    about: "a watch goes on although etcd has compacted the changes that it should bring",
    changes: [
      change(
        "net/etcd/watch",
        "local function cause_of(____bindingPattern0)\n",
        "local function cause_of(____bindingPattern0)\n    do return nil end\n",
      ),
    ],
  },
  {
    name: "made_change_refused",
    about: "a change whose first answer was lost finds itself in etcd, and is answered 412",
    changes: [
      change(
        "cluster/transaction",
        "if newest ~= nil and newest.value == change.value then",
        "if false then",
      ),
      change(
        "cluster/transaction",
        "    local fate, revision = find_fate(",
        "    do return nil, LOST end\n    local fate, revision = find_fate(",
      ),
    ],
  },
  {
    name: "base_not_compared",
    about: "a change of a shared upstream replaces any version in etcd, not only the one it is based on",
    changes: [change("cluster/transaction", "        compare[#compare + 1] = is_at(key, change.from)\n", "")],
  },
];

/** @type {Mutation[]} */
export const MUTATIONS = [
  ...OF_ONE_GATEWAY.map((mutation) => ({ ...mutation, scenario: "one_gateway" })),
  ...OF_BACKGROUND.map((mutation) => ({ ...mutation, scenario: "background" })),
  ...OF_CLUSTER.map((mutation) => ({ ...mutation, scenario: "cluster" })),
];
