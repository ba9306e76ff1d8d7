--- Reports of servers: ORCA's header in its three forms, an agent's line, and the body of a pushed report.
--- The first byte says which one it is.
local json = require("resty.sluice.lib.json")
local orca = require("resty.sluice.health.orca")
local agent = require("resty.sluice.health.agent")
local report = require("resty.sluice.health.report")

local SOURCES = {
  utilization = "utilization.kv", in_flight = "named_metrics.queue", latency = "request_cost.time",
}

--- Raises an error if a report has a value that no rule may see.
local function check(values, path)
  for name, value in pairs(values) do
    if type(value) == "table" then
      check(value, name)
    elseif type(value) == "number" then
      assert(value == value and value >= 0 and value <= report.LARGEST,
        string.format("%s%s is %s", path, tostring(name), tostring(value)))
    end
  end
end

local READERS = {
  O = function(text)
    for _, sources in ipairs({ {}, SOURCES }) do
      local found, problem = orca.parse_load_metrics(text, sources)
      assert(found ~= nil or type(problem) == "string", "neither a report nor a problem")
      if found ~= nil then check(found, "") end
    end
  end,
  A = function(text)
    local found, problem = agent.parse_agent(text)
    assert(found ~= nil or type(problem) == "string", "neither a report nor a problem")
    if found ~= nil then check(found, "") end
  end,
  J = function(text)
    local value = json.decode(text)
    if value == nil then return end
    local found, problem = report.read_report("report", value)
    assert(found ~= nil or type(problem.text) == "string", "neither a report nor a problem")
    if found ~= nil then check(found, "") end
  end,
}

return {
  run = function(input)
    local read = READERS[input:sub(1, 1)]
    if read ~= nil then read(input:sub(2)) end
  end,
  seeds = {
    "OTEXT cpu_utilization=0.5,rps_fractional=1e2,eps=0,named_metrics.queue=4,utilization.kv=0.25",
    'OJSON {"cpu_utilization":0.5,"rps_fractional":7,"named_metrics":{"queue":3},"utilization":{"kv":0.1}}',
    "OBIN CQAAAAAAAOA/EQAAAAAAAOA/MhEKBXF1ZXVlEQAAAAAAABRA",
    "A75% ready up #all is well",
    "Amaxconn:30 drain",
    'J{"utilization":0.5,"in_flight":3,"rps":2.5,"state":"drain","time":"2026-01-02T03:04:05Z"}',
  },
  tokens = {
    "TEXT ", "JSON ", "BIN ", "cpu_utilization", "mem_utilization", "application_utilization", "rps_fractional",
    "request_cost.", "utilization.", "named_metrics.", "=", "{}", "[]", "null", "true", "NaN", "\t\0\0\0\0\0\0\240\127",
    "up", "down", "stopped", "fail", "maint", "drain", "ready", "maxconn:", "%",
  },
}
