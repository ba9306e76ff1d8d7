--- Fuzzes one target in plain LuaJIT. Usage, in the repository's folder:
--- luajit spec/fuzz/main.lua <target> <seconds> <seed> [keep|input <file>]
--- `keep`: write new interesting inputs to the corpus. `input`: run only this one. Prints one line of
--- figures; ends with 1 and the failing input when one fails. SLUICE_FUZZ_FAULT puts a fault into the code.
package.path = "dist/?.lua;spec/fuzz/?.lua;" .. package.path
require("nginx_stub")

local files = require("files")
local minimise = require("minimise")
local mutator = require("mutator")
local watch = require("watch")

local name, seconds, seed, mode, file = arg[1], tonumber(arg[2]), tonumber(arg[3]), arg[4], arg[5]
local fault = os.getenv("SLUICE_FUZZ_FAULT")
if fault ~= nil then require("faults")(fault) end
local target = require("targets." .. name)

--- Most instructions for an input: some for each run, and some for each byte.
local function budget_of(input)
  return 60000 + (target.per_byte or 150) * #input
end

local function run(input)
  return watch.call(target.run, input, budget_of(input))
end

local runs = 0

--- Ends the run with the smallest input that fails in the same way.
local function fail(input, problem)
  local smallest, its_problem = minimise(input, problem, function(smaller)
    local _, _, failed = run(smaller)
    return failed
  end)
  local path = files.save_failure(name, smallest)
  io.write(string.format("%s: seed %d, run %d: %s\n", name, seed, runs, its_problem))
  io.write(string.format("the input of %d bytes: %q\n", #smallest, smallest))
  io.write(string.format("run it again: npm run fuzz -- %s --input %s\n", name, path))
  os.exit(1)
end

if mode == "input" then
  local input = files.read(file)
  local _, used, problem = run(input)
  if problem ~= nil then fail(input, problem) end
  print(string.format("%s: passed with %d instructions", name, used))
  os.exit(0)
end

math.randomseed(seed)
local corpus = files.corpus(name)
for _, input in ipairs(target.seeds) do corpus[#corpus + 1] = input end
for _, input in ipairs(corpus) do
  local _, _, problem = run(input)
  runs = runs + 1
  if problem ~= nil then fail(input, problem) end
end
local known_lines = watch.lines()
local found, most = 0, 0
local deadline = os.clock() + seconds
while os.clock() < deadline do
  local input = mutator.mutate(corpus[math.random(#corpus)], target, corpus)
  local is_new, used, problem = run(input)
  runs = runs + 1
  if problem ~= nil then fail(input, problem) end
  most = math.max(most, used / budget_of(input))
  if is_new then
    found = found + 1
    corpus[#corpus + 1] = input
    if mode == "keep" and #input <= 4096 then files.keep(name, input) end
  end
end
print(string.format("%s: %d runs, %d inputs, %d lines, %d of them new, %d %% of the instructions", name, runs,
  #corpus, watch.lines(), watch.lines() - known_lines, most * 100))
