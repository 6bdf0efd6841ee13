-- A dissector for Wireshark and tshark: ZMTP 3.x over tcp, and the garden's messages in it.
--
--     tshark -X lua_script:garden/tools/garden.lua -i lo -f 'tcp portrange 7400-7404' -O zmtp,garden
--     tshark -X lua_script:garden/tools/garden.lua -r session.pcap -Y 'garden.msg_type == "shell_request"'
--
-- A connection is known by its greeting; on a port that is another protocol's (44818 is one) only with
-- -o tcp.try_heuristic_first:TRUE. One whose greeting was not captured: -d tcp.port==7400,zmtp. Lanes that
-- are encrypted show their frames only, and ipc cannot be captured at all: gardenctl record sees both.
local zmtp = Proto("zmtp", "ZeroMQ Message Transport Protocol")
local garden = Proto("garden", "The garden protocol")

local f = {
    version = ProtoField.string("zmtp.version", "Version"),
    mechanism = ProtoField.string("zmtp.mechanism", "Mechanism"),
    flags = ProtoField.uint8("zmtp.flags", "Flags", base.HEX),
    size = ProtoField.uint64("zmtp.size", "Size"),
    command = ProtoField.string("zmtp.command", "Command"),
    property = ProtoField.string("zmtp.property", "Property"),
    body = ProtoField.bytes("zmtp.body", "Body"),
}
zmtp.fields = {f.version, f.mechanism, f.flags, f.size, f.command, f.property, f.body}
local g = {
    topic = ProtoField.string("garden.topic", "Topic"),
    msg_type = ProtoField.string("garden.msg_type", "Type"),
    msg_id = ProtoField.string("garden.msg_id", "Id"),
    session = ProtoField.string("garden.session", "Session"),
    version = ProtoField.string("garden.version", "Version"),
    timestamp = ProtoField.string("garden.timestamp", "Time"),
    parent = ProtoField.string("garden.parent", "Answers"),
    metadata = ProtoField.string("garden.metadata", "Metadata"),
    content = ProtoField.string("garden.content", "Content"),
}
garden.fields = {g.topic, g.msg_type, g.msg_id, g.session, g.version, g.timestamp, g.parent, g.metadata, g.content}

local GREETING, DEPTH_MAX, TEXT_MAX = 64, 32, 4000
local FRAME_MAX = 64 * 1024 * 1024 -- a larger one is shown as far as it came, and not waited for

-- ---- MessagePack: a value is {text =, items = (of a list), pairs = (of a map)}. Errors are thrown.

local function quoted(text)
    return '"' .. text:gsub('[%c"\\]', function(c) return string.format("\\x%02x", c:byte()) end) .. '"'
end

local function uuid_of(range)
    local hex = range:bytes():tohex(true)
    return hex:sub(1, 8) .. "-" .. hex:sub(9, 12) .. "-" .. hex:sub(13, 16) .. "-" .. hex:sub(17, 20) .. "-" .. hex:sub(21)
end

local read_value -- (range, offset, depth): value, the offset behind it

local function read_items(range, offset, count, depth)
    local value = {items = {}}
    for i = 1, count do
        value.items[i], offset = read_value(range, offset, depth + 1)
    end
    return value, offset
end

local function read_pairs(range, offset, count, depth)
    local value = {pairs = {}}
    for i = 1, count do
        local key, item
        key, offset = read_value(range, offset, depth + 1)
        item, offset = read_value(range, offset, depth + 1)
        value.pairs[i] = {key = key, value = item}
    end
    return value, offset
end

local function read_text(range, offset, size)
    local raw = size > 0 and range(offset, size):raw() or ""
    return {raw = raw, text = quoted(raw)}, offset + size
end

local function read_bin(range, offset, size)
    local text = size == 16 and uuid_of(range(offset, 16)) or size > 0 and range(offset, size):bytes():tohex(true) or ""
    return {raw = text, text = quoted(text)}, offset + size
end

local function sized(width, read)
    return function(range, offset, depth)
        return read(range, offset + width, range(offset, width):uint(), depth)
    end
end

local function number(width, how)
    return function(range, offset)
        local part = range(offset, width)
        return {text = tostring(part[how](part))}, offset + width
    end
end

local function constant(text)
    return function(_, offset) return {text = text}, offset end
end

local readers = {
    [0xc0] = constant("null"), [0xc2] = constant("false"), [0xc3] = constant("true"),
    [0xc4] = sized(1, read_bin), [0xc5] = sized(2, read_bin), [0xc6] = sized(4, read_bin),
    [0xca] = number(4, "float"), [0xcb] = number(8, "float"),
    [0xcc] = number(1, "uint"), [0xcd] = number(2, "uint"), [0xce] = number(4, "uint"), [0xcf] = number(8, "uint64"),
    [0xd0] = number(1, "int"), [0xd1] = number(2, "int"), [0xd2] = number(4, "int"), [0xd3] = number(8, "int64"),
    [0xd9] = sized(1, read_text), [0xda] = sized(2, read_text), [0xdb] = sized(4, read_text),
    [0xdc] = sized(2, read_items), [0xdd] = sized(4, read_items),
    [0xde] = sized(2, read_pairs), [0xdf] = sized(4, read_pairs),
}

function read_value(range, offset, depth)
    if depth > DEPTH_MAX then error("too deep") end
    local lead = range(offset, 1):uint()
    offset = offset + 1
    if lead < 0x80 then return {text = tostring(lead)}, offset end
    if lead < 0x90 then return read_pairs(range, offset, lead - 0x80, depth) end
    if lead < 0xa0 then return read_items(range, offset, lead - 0x90, depth) end
    if lead < 0xc0 then return read_text(range, offset, lead - 0xa0) end
    if lead >= 0xe0 then return {text = tostring(lead - 0x100)}, offset end
    if not readers[lead] then error("no MessagePack") end
    return readers[lead](range, offset, depth)
end

local function print_value(value)
    if value.text then return value.text end
    local out = {}
    for _, item in ipairs(value.items or {}) do out[#out + 1] = print_value(item) end
    for _, pair in ipairs(value.pairs or {}) do
        out[#out + 1] = print_value(pair.key) .. ": " .. print_value(pair.value)
    end
    local text = table.concat(out, ", ")
    return (value.items and "[" .. text .. "]" or "{" .. text .. "}"):sub(1, TEXT_MAX)
end

-- The |index|-th item of a list, or what a map has under |name|.
local function part(value, index, name)
    if value and value.items then return value.items[index] end
    for _, pair in ipairs(value and value.pairs or {}) do
        if pair.key.raw == name then return pair.value end
    end
end

-- ---- The garden's messages

local function summary_of(content)
    local first = content.items and content.items[1] or content.pairs and content.pairs[1] and content.pairs[1].key
    return (first or content).raw or ""
end

local function show_msgpack(range, tree)
    local whole = read_value(range, 0, 0)
    local header, content = part(whole, 1, "header"), part(whole, 4, "content")
    if not part(header, 3, "msg_type") or not content then error("no message") end
    local function add(field, value)
        if value then tree:add(field, value.raw or print_value(value)) end
    end
    for i, name in ipairs({"msg_id", "session", "msg_type", "version", "timestamp"}) do
        add(g[name], part(header, i, name))
    end
    add(g.parent, part(part(whole, 2, "parent_header"), 1, "msg_id"))
    add(g.metadata, part(whole, 3, "metadata"))
    add(g.content, content)
    return part(header, 3, "msg_type").raw .. " " .. summary_of(content)
end

-- JSON is readable as it is: only what one filters by is taken out of it.
local function show_json(range, tree)
    local text = range:raw()
    local header = text:match('"header"%s*:%s*(%b{})')
    if not header then error("no message") end
    for _, name in ipairs({"msg_id", "session", "msg_type", "version", "timestamp"}) do
        local value = header:match('"' .. name .. '"%s*:%s*"([^"]*)"')
        if value then tree:add(g[name], value) end
    end
    local parent = (text:match('"parent_header"%s*:%s*(%b{})') or ""):match('"msg_id"%s*:%s*"([^"]*)"')
    if parent then tree:add(g.parent, parent) end
    local content = text:match('"content"%s*:%s*(.*)}%s*$') or ""
    tree:add(g.content, content:sub(1, TEXT_MAX))
    return (header:match('"msg_type"%s*:%s*"([^"]*)"') or "") .. " " ..
        (content:match('^{"type"%s*:%s*"([^"]*)"') or content:match('^[{]?"([^"]*)"') or "")
end

local function show_message(range, pinfo, root)
    local lead = range(0, 1):uint()
    local show = lead == 0x7b and show_json or lead >= 0x80 and show_msgpack
    if not show then return end
    local tree = root:add(garden, range)
    local good, said = pcall(show, range, tree)
    if good then
        tree:append_text(": " .. said)
        pinfo.cols.protocol = "GARDEN"
        pinfo.cols.info:append(" " .. said)
    else
        tree:append_text(": cannot be read")
    end
end

-- ---- ZMTP

local function show_greeting(range, pinfo, root)
    local tree = root:add(zmtp, range(0, GREETING), "ZMTP greeting")
    local version = range(10, 1):uint() .. "." .. range(11, 1):uint()
    tree:add(f.version, range(10, 2), version)
    tree:add(f.mechanism, range(12, 20), range(12, 20):stringz())
    pinfo.cols.info:append(" greeting " .. version .. " " .. range(12, 20):stringz())
end

local function show_command(body, pinfo, tree)
    local name_size = body(0, 1):uint()
    local name = body(1, name_size):raw():gsub("[^%w_-]", "?")
    local offset = 1 + name_size
    tree:add(f.command, body(0, offset), name)
    pinfo.cols.info:append(" " .. name)
    while (name == "READY" or name == "INITIATE") and offset < body:len() do
        local key_size = body(offset, 1):uint()
        local key = body(offset + 1, key_size):raw()
        local value_at = offset + 1 + key_size + 4
        local value_size = body(value_at - 4, 4):uint()
        local value = value_size > 0 and body(value_at, value_size):raw() or ""
        tree:add(f.property, body(offset, value_at + value_size - offset), key .. ": " .. quoted(value))
        offset = value_at + value_size
    end
end

-- One frame at |offset|: its size with its header, or nil and how many octets are missing (0: nobody knows).
local function frame_size(tvb, offset)
    local left = tvb:len() - offset
    if left < 2 then return nil, 0 end
    local long = bit.band(tvb(offset, 1):uint(), 2) ~= 0
    if long and left < 9 then return nil, 0 end
    local size = long and tvb(offset + 1, 8):uint64():tonumber() or tvb(offset + 1, 1):uint()
    local head = long and 9 or 2
    if size > FRAME_MAX then return left, 0, head end
    if left < head + size then return nil, head + size - left end
    return head + size, 0, head
end

local function show_frame(tvb, offset, size, head, pinfo, root)
    local flags = tvb(offset, 1):uint()
    local tree = root:add(zmtp, tvb(offset, size))
    tree:append_text(bit.band(flags, 4) ~= 0 and ", command" or bit.band(flags, 1) ~= 0 and ", more follows" or "")
    tree:add(f.flags, tvb(offset, 1))
    tree:add(f.size, tvb(offset + 1, head - 1), UInt64(size - head))
    if size == head then return end
    local body = tvb(offset + head, size - head)
    if bit.band(flags, 4) ~= 0 then
        if not pcall(show_command, body, pinfo, tree) then tree:append_text(", cannot be read") end
        return
    end
    tree:add(f.body, body)
    if bit.band(flags, 1) == 0 then show_message(body, pinfo, root)
    else tree:add(g.topic, body, body:raw():gsub("[^%g ]", "?"), nil) end
end

function zmtp.dissector(tvb, pinfo, root)
    pinfo.cols.protocol = "ZMTP"
    pinfo.cols.info = ""
    local offset = 0
    while offset < tvb:len() do
        local size, missing, head
        if tvb(offset, 1):uint() == 0xff then -- no flags of a frame
            if tvb:len() - offset >= GREETING then size = GREETING
            else missing = GREETING - (tvb:len() - offset) end
        else
            size, missing, head = frame_size(tvb, offset)
        end
        if not size then
            pinfo.desegment_offset = offset
            pinfo.desegment_len = missing > 0 and missing or DESEGMENT_ONE_MORE_SEGMENT
            return
        end
        if head then show_frame(tvb, offset, size, head, pinfo, root)
        else show_greeting(tvb(offset), pinfo, root) end
        offset = offset + size
    end
end

-- What came of one may be less than tells it: 0xff and zeros, as most pad it, will do then.
local function is_greeting(tvb, pinfo, root)
    if tvb:len() < 4 or tvb(0, 1):uint() ~= 0xff then return false end
    if tvb:len() >= 10 then
        if tvb(9, 1):uint() ~= 0x7f then return false end
    else
        for i = 1, math.min(7, tvb:len() - 1) do
            if tvb(i, 1):uint() ~= 0 then return false end
        end
    end
    pinfo.conversation = zmtp
    zmtp.dissector(tvb, pinfo, root)
    return true
end

zmtp:register_heuristic("tcp", is_greeting)
DissectorTable.get("tcp.port"):add_for_decode_as(zmtp)
