-- The only script wrk runs: sends prepared requests and prints the result as one line of JSON.
--
--   wrk … -s requests.lua URL -- FILE
--
-- FILE is written by loads/wrk.mjs: per request a line with its number of bytes, then the bytes.
-- One entry is sent over and over as a static request, which costs wrk no Lua call; several are
-- taken in turn. An entry may hold a whole pipeline: wrk counts the requests in it.

local function read_entries(name)
  local entries = {}
  local file = assert(io.open(name, "rb"))
  while true do
    local size = file:read("*l")
    if not size then break end
    entries[#entries + 1] = file:read(tonumber(size))
  end
  file:close()
  return entries
end

function init(arguments)
  local entries = read_entries(arguments[1])
  if #entries == 1 then
    wrk.format = function() return entries[1] end
    return
  end
  local index = 0
  request = function()
    index = index % #entries + 1
    return entries[index]
  end
end

function done(summary, latency)
  local errors = summary.errors
  local fields = {
    requests = summary.requests,
    durationUs = summary.duration,
    bytes = summary.bytes,
    p50Us = latency:percentile(50),
    p99Us = latency:percentile(99),
    maxUs = latency.max,
    connectErrors = errors.connect,
    readErrors = errors.read,
    writeErrors = errors.write,
    statusErrors = errors.status,
    timeouts = errors.timeout,
  }
  local parts = {}
  for name, value in pairs(fields) do
    parts[#parts + 1] = string.format('"%s":%.0f', name, value)
  end
  io.write("\n@@{" .. table.concat(parts, ",") .. "}\n")
end
