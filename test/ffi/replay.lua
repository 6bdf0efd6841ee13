-- Makes the calls of a trace again, which test_pharo.py writes as Lua: what it declares, the library, and what each call
-- was given, returned and wrote. Reports in TAP.
local ffi = require 'ffi'
local path, library = ...
local made, wrong, first = 0, 0, nil
local z = ffi.load(library)

local trace = {}
function trace.declare(text) ffi.cdef(text) end
function trace.room(size, after)
  return { room = ffi.new('char[?]', size + 1), size = size, after = after }
end
local function shown(value) return type(value) == 'cdata' and tostring(value) or string.format('%q', tostring(value)) end
function trace.call(name, result, ...)
  local arguments = { ... }
  for i = 1, select('#', ...) do
    if type(arguments[i]) == 'table' then arguments[i] = arguments[i].room end
  end
  local got = z[name](unpack(arguments, 1, select('#', ...)))
  if type(result) == 'string' then got = ffi.string(got) end
  local good = got == result
  for i = 1, select('#', ...) do
    local given = select(i, ...)
    if type(given) == 'table' and given.after then good = good and ffi.string(given.room, given.size) == given.after end
  end
  made = made + 1
  if not good then
    wrong = wrong + 1
    first = first or ('call ' .. made .. ', ' .. name .. ': ' .. shown(got) .. ', not ' .. shown(result))
  end
end
local chunk = assert(loadfile(path))
setfenv(chunk, { trace = trace, null = ffi.cast('void *', nil), i = function(text) return ffi.new('int64_t', tonumber(text)) end })
chunk()
print((wrong == 0 and made > 0 and 'ok 1' or 'not ok 1') .. ' - ' .. made .. ' calls do the same from LuaJIT')
if first then print('# ' .. wrong .. ' do not, the first of them ' .. first) end
print '1..1'
