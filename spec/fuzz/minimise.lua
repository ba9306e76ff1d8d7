--- Makes a failing input smaller, as long as it fails in the same way.

--- Time for this, in seconds of the processor. A failure that takes many instructions takes long to repeat.
local SECONDS = 3

--- The place of a failure: the first line of its text, without numbers and quoted parts of the input.
local function kind_of(problem)
  return (problem:match("^[^\n]*"):gsub("%d+", "N"):gsub("\".*\"", "S"))
end

--- Returns the smallest input that was found, and its problem. `failure_of` runs an input.
return function(input, problem, failure_of)
  local kind = kind_of(problem)
  local deadline = os.clock() + SECONDS
  local size = math.floor(#input / 2)
  while size >= 1 do
    local from, was_cut = 1, false
    while from <= #input and os.clock() < deadline do
      local smaller = input:sub(1, from - 1) .. input:sub(from + size)
      local failed = failure_of(smaller)
      if failed ~= nil and kind_of(failed) == kind then
        input, problem, was_cut = smaller, failed, true
      else
        from = from + size
      end
    end
    if not was_cut or size > 1 then size = math.floor(size / 2) end
    if os.clock() >= deadline then break end
  end
  return input, problem
end
