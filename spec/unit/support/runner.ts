/**
 * Runs one file of unit specs under plain LuaJIT, and writes TAP: `ok 1 - name`, `not ok 2 - name` with the
 * reason in lines that begin with "#", and `1..2` at the end. Each file has a process of its own, so that
 * modules with state and changed globals do not reach another file.
 *
 * Usage: luajit runner.lua <Lua module of the specs> <seed of math.random>
 */
import * as plain_json from "./plain_json";

type Body = (this: void) => void;

interface Block {
  name: string;
  before: Body[];
  after: Body[];
}

interface Test {
  name: string;
  blocks: Block[];
  body: Body;
}

const tests: Test[] = [];
/** The `describe` blocks around the present one, outermost first. */
let open: Block[] = [{ name: "", before: [], after: [] }];

const globals = _G as unknown as Record<string, unknown>;

globals.describe = (name: string, body: Body) => {
  const enclosing = open;
  open = [...enclosing, { name: `${name} `, before: [], after: [] }];
  body();
  open = enclosing;
};

globals.it = (name: string, body: Body) => {
  let full = "";
  for (const block of open) full += block.name;
  tests.push({ name: full + name, blocks: open, body });
};

globals.before_each = (body: Body) => {
  open[open.length - 1].before.push(body);
};

globals.after_each = (body: Body) => {
  open[open.length - 1].after.push(body);
};

/** Runs a test with its `before_each` and `after_each`. Returns the reason of a failure, or undefined. */
function failure_of(test: Test): string | undefined {
  const [ok, problem] = xpcall(() => {
    for (const block of test.blocks) for (const body of block.before) body();
    test.body();
  }, debug.traceback);
  let failure = ok ? undefined : tostring(problem);
  for (const index of $range(test.blocks.length - 1, 0, -1)) {
    for (const body of test.blocks[index].after) {
      const [ended, after_problem] = xpcall(body, debug.traceback);
      if (!ended) failure ??= tostring(after_problem);
    }
  }
  return failure;
}

/** Formats a text as comment lines of TAP. */
function commented(text: string): string {
  const [lines] = string.gsub(text, "\n", "\n# ");
  return `# ${lines}\n`;
}

function run(specs: string, seed: number): void {
  math.randomseed(seed);
  (globals.require as (this: void, name: string) => void)(specs);
  let failed = 0;
  tests.forEach((test, index) => {
    const failure = failure_of(test);
    io.write(`${failure === undefined ? "ok" : "not ok"} ${index + 1} - ${test.name}\n`);
    if (failure === undefined) return;
    failed += 1;
    io.write(commented(failure));
  });
  io.write(`1..${tests.length}\n`);
  os.exit(failed === 0 ? 0 : 1);
}

const [has_cjson] = pcall(require, "cjson.safe");
if (!has_cjson) {
  io.write("# no lua-cjson\n");
  const { preload } = globals.package as { preload: Record<string, unknown> };
  preload["cjson.safe"] = () => plain_json;
}
const args = globals.arg as string[];
const [specs, seed] = [args[0], tonumber(args[1])];
if (specs === undefined || seed === undefined) error("usage: runner.lua <Lua module> <seed>");
run(specs, seed);
