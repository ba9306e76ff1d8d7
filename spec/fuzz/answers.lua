--- Replaces the connections to registries: each answer of a service, and each line of a stream, is the input.
local answers = { body = "", lines = {} }

local parse_address = require("resty.sluice.config.address").parse_address
local service = require("resty.sluice.net.service")
local stream = require("resty.sluice.net.stream")

--- Most answers for one input: a listing asks for the next page as long as there is one.
local MOST = 20
local asked = 0

function service.ask_service()
  asked = asked + 1
  if asked > MOST then return nil, "closed" end
  return { status = 200, headers = {}, body = answers.body }
end

function stream.next_line()
  local line = table.remove(answers.lines, 1)
  return line, line == nil and "closed" or nil
end

--- There is no token of a service account here.
require("resty.sluice.net.kubernetes.client").kubernetes_request = function()
  return ""
end

--- Sets the next answers to an input, whose lines are also those of streams.
function answers.set(input)
  asked = 0
  answers.body = input
  answers.lines = {}
  for line in input:gmatch("[^\n]+") do answers.lines[#answers.lines + 1] = line end
end

--- Raises an error unless an entry of discovery is a server that may be stored, or a refusal.
function answers.check_entry(entry)
  assert(type(entry.key) == "string", "an entry has no key")
  if entry.server == nil then
    assert(type(entry.problem) == "string" and entry.problem ~= "", "an entry is neither a server nor refused")
    return
  end
  local server = entry.server
  local is_read = parse_address(server.server) ~= nil or server.server:find("^[%w.-]+:%d+$") ~= nil
  assert(is_read and not server.server:find("[%c%s]"), "not an address: " .. server.server)
  assert(server.weight >= 1 and server.weight % 1 == 0, "the weight is " .. tostring(server.weight))
end

return answers
