--- Runs a target with an input, and watches the lines that it reaches and the instructions that it needs.
local watch = {}

local getinfo, sethook = debug.getinfo, debug.sethook

-- A hook sees every line only in the interpreter.
jit.off()
jit.flush()

--- Instructions between two looks at the budget.
local STEP = 1000

--- The lines that were reached: numbers by the name of their file and the line.
local known = {}
local count = 0

--- Returns the number of lines that were reached so far.
function watch.lines()
  return count
end

--- Calls a function. Returns whether it has reached a new line, the instructions, and why it failed.
function watch.call(action, input, budget)
  local is_new, used, is_over = false, 0, false
  local function hook(event, line)
    if event == "count" then
      used = used + STEP
      if used > budget then
        is_over = true
        error("too many instructions", 0)
      end
      return
    end
    local source = getinfo(2, "S").source
    local lines = known[source]
    if lines == nil then
      lines = {}
      known[source] = lines
    end
    if lines[line] == nil then
      lines[line] = true
      count = count + 1
      is_new = true
    end
  end
  local function handle(problem)
    return debug.traceback(tostring(problem), 2)
  end
  sethook(hook, "l", STEP)
  local ok, problem = xpcall(action, handle, input)
  sethook()
  if is_over then
    return is_new, used, string.format("more than %d instructions for %d bytes", budget, #input)
  end
  return is_new, used, not ok and problem or nil
end

return watch
