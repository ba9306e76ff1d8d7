--- The corpus of a target, and the inputs that have failed.
local files = {}

function files.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- Returns a name for an input that depends on its bytes only.
local function name_of(input)
  local sum = 5381
  for index = 1, #input do sum = (sum * 33 + input:byte(index)) % 2 ^ 32 end
  return string.format("%08x", sum)
end

local function write(folder, input)
  os.execute("mkdir -p '" .. folder .. "'")
  local path = folder .. "/" .. name_of(input)
  local file = assert(io.open(path, "wb"))
  file:write(input)
  file:close()
  return path
end

--- Returns the kept inputs of a target, in the order of their names.
function files.corpus(target)
  local inputs = {}
  local list = assert(io.popen("ls 'spec/fuzz/corpus/" .. target .. "' 2>/dev/null"))
  for name in list:lines() do inputs[#inputs + 1] = files.read("spec/fuzz/corpus/" .. target .. "/" .. name) end
  list:close()
  return inputs
end

--- Adds an interesting input to the corpus.
function files.keep(target, input)
  return write("spec/fuzz/corpus/" .. target, input)
end

--- Saves an input that has failed. Returns its path.
function files.save_failure(target, input)
  return write("build/fuzz/" .. target, input)
end

return files
