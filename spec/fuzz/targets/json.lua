--- JSON that is read in slices: read_items and decode_object find what the decoder of nginx finds in the
--- whole text.
local json = require("resty.sluice.lib.json")
local json_items = require("resty.sluice.lib.json_items")

local NAME = "items"
local function pause() end

--- An object that is decoded in slices is refused like the whole text, or is the same.
local function compare_object(input, whole)
  local object = json_items.decode_object(input, pause)
  local is_object = type(whole) == "table" and input:find("^[ \t\r\n]*{") ~= nil
  assert((object ~= nil) == is_object, is_object and "refused in slices" or "decoded in slices, but it is not JSON")
  assert(object == nil or json.is_equal(object, whole), "decoded in slices, it differs")
end

return {
  -- Longer than the slices.
  longest = 16384,
  per_byte = 500,
  run = function(input)
    local whole = json.decode(input)
    compare_object(input, whole)
    local taken = {}
    local is_there, reason = json_items.read_items(input, NAME, pause, function(item) taken[#taken + 1] = item end)
    assert(is_there ~= nil or type(reason) == "string", "neither a list nor a reason")
    if is_there ~= true then return end
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
    '{"items":[' .. ('{"a":"},{","b":[1]},'):rep(450) .. '{}],"more":[' .. ("1,"):rep(1500) .. "{}]}",
    '{"items":[]}', ' { "x" : "\\u00e9\\"]}" , "items" : [ 1 , "\\\\" ] } ',
  },
  tokens = { '"items":', "[", "]", "{", "}", ",", '"', "\\", "\\u12", "null", "true", "1e9", "[[[[", "  ", ":" },
}
