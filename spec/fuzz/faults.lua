--- Faults that fuzzing must find: each replaces some of a module's code when the module is loaded.
local FAULTS = {
  -- Pointers of names may form a loop.
  dns_loop = {
    module = "net.dns.message",
    target = "dns",
    from = "position >= bound or jumps > MOST_JUMPS",
    to = "false",
  },
  -- A chunk's line that arrives in two pieces is cut.
  split_line = {
    module = "net.reader",
    target = "http1",
    from = "searched + 1, true)",
    to = "searched + 2, true)",
  },
  -- A server may report any number.
  any_number = {
    module = "health.orca",
    target = "reports",
    from = "value >= 0 and value <= LARGEST",
    to = "true",
  },
  -- The table of headers grows without a limit.
  endless_table = {
    module = "net.http2.hpack",
    target = "http2",
    from = "while dynamic.size > size do",
    to = "while false do",
  },
  -- Each bracket is searched from the beginning of the text: the work is not linear.
  from_the_start = {
    module = "lib.json_scan",
    target = "json",
    from = "local function note_step(scan)",
    to = "local function note_step(scan) for index = 1, #scan.text do if index < 0 then return end end",
  },
  -- The journal may lack lines.
  missing_lines = {
    module = "store.disk.replay",
    target = "journal",
    from = "revision ~= state.revision + 1",
    to = "false",
  },
}

--- Puts a fault into the code of a module that is loaded afterwards.
return function(name)
  local fault = assert(FAULTS[name], "there is no fault " .. name)
  local module = "resty.sluice." .. fault.module
  local path = assert(package.searchpath(module, package.path))
  local file = assert(io.open(path, "rb"))
  local code = file:read("*a")
  file:close()
  local from, to = code:find(fault.from, 1, true)
  assert(from ~= nil, path .. " has no " .. fault.from)
  local faulty = code:sub(1, from - 1) .. fault.to .. code:sub(to + 1)
  package.preload[module] = assert(loadstring(faulty, "@" .. path))
end
