--- The journal. Each line of the input gets a valid checksum, so that damage is found behind it. What was
--- loaded can be written and loaded again, and a torn last line loses only itself.
local load = require("resty.sluice.store.disk.load")
local replay = require("resty.sluice.store.disk.replay")
local document = require("resty.sluice.store.document.document")
local sealed = require("resty.sluice.store.disk.sealed")

local function files(kind, text)
  return { { path = kind .. ".0", text = text }, { path = kind .. ".1", text = "" } }
end

local function load_text(text)
  local loaded, cause = load.load_files(files("image", ""), files("journal", text))
  assert(loaded ~= nil or (type(cause) == "string" and cause:find("^journal%.[01]: line %d+: .")), tostring(cause))
  if loaded == nil then return nil end
  local parts = {}
  for name, saved in pairs(loaded.state.upstreams) do
    local text_of_one = document.format_document((replay.to_document(saved, function() return 1 end)))
    parts[#parts + 1] = name .. " " .. text_of_one
  end
  table.sort(parts)
  return table.concat(parts, "\n"), loaded.state.revision
end

local START = '{"sluice":"journal","format":2,"follows":0}'

--- Seals the lines of an input; a line that is sealed already stays.
local function journal_of(input)
  local lines = {}
  for line in input:gmatch("[^\n]+") do
    lines[#lines + 1] = sealed.has_seal(line) and line .. "\n" or sealed.seal(line)
  end
  return table.concat(lines)
end

return {
  run = function(input)
    local text = journal_of(START .. "\n" .. input)
    local state, revision = load_text(text)
    load_text(input)
    if state == nil then return end
    -- Each line makes one revision, and the first one follows revision 0.
    local _, lines = text:gsub("\n", "")
    assert(revision <= lines - 1, string.format("revision %.17g after %d lines", revision, lines - 1))
    local torn, torn_revision = load_text(text .. '{"revision":')
    assert(torn == state and torn_revision == revision, "a torn last line has changed what is before it")
  end,
  per_byte = 700,
  longest = 1024,
  seeds = {
    '{"revision":1,"upstream":"app","method":"round_robin","next_id":2,"put":[{"id":0,"incarnation":1,'
      .. '"server":"127.0.0.1:80","max_fails":0},{"id":1,"incarnation":1,"server":"127.0.0.2:80"}],"remove":[]}\n'
      .. '{"revision":2,"upstream":"app","method":"least_conn","next_id":3,"put":[{"id":2,"incarnation":2,'
      .. '"server":"unix:/x","weight":5,"backup":true,"drain":true}],"remove":[0,1]}\n'
      .. '{"revision":3,"upstream":"app","deleted":true,"seed":true}',
    '{"revision":1,"changes":[{"revision":1,"upstream":"a","method":"hash","hash":{"key":"$uri"},"next_id":1,'
      .. '"sticky":{"cookie":{"name":"r"}},"queue":{"size":2},"put":[{"id":0,"incarnation":1,"server":"[::1]:80"}],'
      .. '"remove":[]},{"revision":1,"upstream":"b","method":"random","next_id":0,"put":[],"remove":[]}]}',
  },
  tokens = {
    '"revision":', '"upstream":"a"', '"deleted":true', '"seed":true', '"put":', '"removed":', "[", "]", "{}", "null",
    '"server":"127.0.0.1:80"', '"id":', '"weight":', "0", "-1", "1e99", '"changes":', '"settings":{}', "\n",
  },
}
