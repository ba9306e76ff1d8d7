--- JSON that is read in slices: read_items finds what the decoder of nginx finds in the whole text.
local json = require("resty.sluice.lib.json")
local json_items = require("resty.sluice.lib.json_items")

local NAME = "items"
local function pause() end

return {
  run = function(input)
    local taken = {}
    local is_there, reason = json_items.read_items(input, NAME, pause, function(item) taken[#taken + 1] = item end)
    assert(is_there ~= nil or type(reason) == "string", "neither a list nor a reason")
    if is_there ~= true then return end
    local whole = json.decode(input)
    -- The decoder takes the last of two members with one name, and slices are taken as they come.
    local _, times = input:gsub('"' .. NAME .. '"', "")
    -- A name may be written with escapes.
    if times ~= 1 or input:find("\\", 1, true) ~= nil then return end
    assert(type(whole) == "table", "read in slices, but it is not JSON")
    assert(#whole[NAME] == #taken, string.format("%d items in slices, %d at once", #taken, #whole[NAME]))
    for index, item in ipairs(taken) do
      assert(json.is_equal(item, whole[NAME][index]), "item " .. index .. " differs")
    end
  end,
  seeds = {
    '{"kind":"List","items":[{"a":1},"b",[true,null,{}],-1.5e3],"more":{"items":[1]}}',
    '{"items":[]}', ' { "x" : "\\u00e9\\"]}" , "items" : [ 1 , "\\\\" ] } ',
  },
  tokens = { '"items":', "[", "]", "{", "}", ",", '"', "\\", "\\u12", "null", "true", "1e9", "[[[[", "  ", ":" },
}
