// The official SDK's client drives garden-mcp and a real gardend. Started by test_sdk.py; reports in TAP.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {StreamableHTTPClientTransport} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {EmptyResultSchema, LoggingMessageNotificationSchema, McpError, ResourceListChangedNotificationSchema,
    ResourceUpdatedNotificationSchema} from '@modelcontextprotocol/sdk/types.js';

const BIN = process.env.BIN;
const PATIENCE = 60000;

// ---- A folder, a daemon in it, and clients

class Stage {
    constructor(transport) {
        this.transport = transport;
        this.server = null; // over HTTP: garden-mcp
        this.folder = mkdtempSync(join(tmpdir(), 'mcp.'));
        this.run = join(this.folder, 'run');
        this.store = join(this.folder, 'store');
        mkdirSync(this.run, {mode: 0o700});
        mkdirSync(join(this.store, 'staging'), {recursive: true});
        this.connection = join(this.run, 'connection.json');
        this.daemon = null;
        this.clients = [];
    }

    async gardend(...options) {
        this.daemon = spawn(join(BIN, 'gardend'), [
            '--run-dir', this.run, '--staging', join(this.store, 'staging'), '--log-level', 'error', '--source',
            'dev=counter:2,48000', ...options], {stdio: ['ignore', 'ignore', 'inherit']});
        this.daemon.gone = new Promise(done => this.daemon.once('exit', done));
        for (let tries = 0; !existsSync(this.connection); tries++) {
            assert(tries < PATIENCE / 20, 'gardend did not start');
            await new Promise(done => setTimeout(done, 20));
        }
    }

    async end(signal = 'SIGTERM') {
        if (!this.daemon) return;
        this.daemon.kill(signal);
        await this.daemon.gone;
        this.daemon = null;
        rmSync(this.connection, {force: true});
    }

    options() {
        return ['--connection', this.connection, '--store', this.store];
    }

    // Over HTTP one server serves all clients.
    async serve() {
        const token = join(this.folder, 'token');
        const server = spawn(join(BIN, 'garden-mcp'), [...this.options(), '--http', '127.0.0.1:0', '--token-file', token],
                             {stdio: ['ignore', 'ignore', 'pipe']});
        server.gone = new Promise(done => server.once('exit', done));
        this.server = server;
        let said = '';
        server.stderr.on('data', data => {
            said += data;
            if (server.url) process.stderr.write(data);
            const found = said.match(/ready at (http\S+)/);
            if (found) server.url = new URL(found[1]);
        });
        await until(() => server.url);
        server.token = readFileSync(token, 'utf8').trim();
    }

    async stop_serving() {
        const server = this.server;
        if (!server) return;
        this.server = null;
        server.kill('SIGTERM');
        assert.equal(await server.gone, 0);
    }

    // The client goes, and what serves it with it.
    async leave(client) {
        this.clients.splice(this.clients.indexOf(client), 1);
        await client.close();
        await this.stop_serving();
    }

    async client() {
        if (this.transport === 'http') {
            if (!this.server) await this.serve();
            const client = await this.connected(new Client({name: 'test', version: '1'}), new StreamableHTTPClientTransport(
                this.server.url, {requestInit: {headers: {Authorization: `Bearer ${this.server.token}`}}}));
            assert.match(client.transport.sessionId, /^[0-9a-f]{32}$/);
            return client;
        }
        const transport = new StdioClientTransport({
            command: join(BIN, 'garden-mcp'), args: this.options(), stderr: 'inherit'});
        return this.connected(new Client({name: 'test', version: '1'}), transport);
    }

    async connected(client, transport) {
        client.logged = [];
        client.updated = [];
        client.failures = [];
        client.listChanges = 0;
        client.onerror = error => client.failures.push(error);
        client.setNotificationHandler(LoggingMessageNotificationSchema, message => client.logged.push(message.params));
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({params}) => client.updated.push(params.uri));
        client.setNotificationHandler(ResourceListChangedNotificationSchema, () => client.listChanges++);
        await client.connect(transport);
        this.clients.push(client);
        client.tools = (await client.listTools()).tools;
        return client;
    }

    async close() {
        for (const client of this.clients) {
            assert.deepEqual(client.failures, []);
            if (this.transport === 'http') await client.transport.terminateSession();
            await client.close();
        }
        await this.stop_serving();
        await this.end();
        rmSync(this.folder, {recursive: true, force: true});
    }
}

const called = new Set();

// What a tool gives, checked by the SDK against its output schema.
async function call(client, name, args = {}, options = {timeout: PATIENCE}) {
    const result = await client.callTool({name, arguments: args}, undefined, options);
    assert(!result.isError, `${name}: ${result.content[0].text}`);
    assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
    called.add(name);
    return result.structuredContent;
}

async function failure(client, name, args = {}) {
    const result = await client.callTool({name, arguments: args});
    assert(result.isError, `${name} did not fail`);
    return result.content[0].text;
}

async function until(condition) {
    for (let tries = 0; !await condition(); tries++) {
        assert(tries < PATIENCE / 20, `never: ${condition}`);
        await new Promise(done => setTimeout(done, 20));
    }
}

// ---- The tests

async function the_client_meets_the_server(stage) {
    const client = await stage.client();
    assert.equal(client.getServerVersion().name, 'garden-mcp');
    assert(client.getInstructions().includes('graph_query'));
    assert(client.getServerCapabilities().resources.subscribe);
    await client.ping();
    for (const tool of client.tools) {
        assert.match(tool.name, /^[a-z_]+$/);
        assert(tool.description.length > 30 && tool.title && tool.annotations && tool.outputSchema, tool.name);
        for (const [name, field] of Object.entries(tool.inputSchema.properties))
            assert(field.type || field.anyOf, `${tool.name}.${name}`);
    }
    await assert.rejects(client.callTool({name: 'nothing', arguments: {}}), error => error instanceof McpError &&
        error.code === -32602 && error.message.includes('nothing'));
}

async function the_transport_is_driven(stage) {
    await stage.gardend();
    const client = await stage.client();
    assert.deepEqual(await call(client, 'transport_tempo', {bpm: 90}), {ok: true});
    await call(client, 'transport_seek', {beat: 16});
    let state = await call(client, 'transport_state');
    assert.deepEqual(state, {playing: false, position: 16, tempo: 90});
    await call(client, 'transport_play');
    state = await call(client, 'transport_state');
    assert(state.playing && state.position >= 16);
    await call(client, 'transport_pause');
    assert.equal((await call(client, 'transport_state')).playing, false);
    await call(client, 'transport_play');
    await call(client, 'daemon_pause');
    await call(client, 'daemon_interrupt');
    await call(client, 'transport_stop');
    assert.deepEqual(await call(client, 'transport_state'), {playing: false, position: 0, tempo: 90});
    assert.match(await failure(client, 'transport_tempo', {bpm: 0}), /bpm: expected a number above 0/);
}

async function regions_live_and_latent_ones_are_decided_about(stage) {
    await stage.gardend();
    const client = await stage.client();
    const me = randomUUID();
    await call(client, 'participant_register', {id: me, name: 'model', capabilities: ['approve']});
    await call(client, 'participant_update', {participant_id: me, name: 'a model'});
    const {rows} = await call(client, 'participant_list');
    assert.deepEqual(rows, [{participant_id: me, name: 'a model', online: true, capabilities: ['approve']}]);

    const create = async behavior => (await call(client, 'region_create', {position: 4, duration: 2, behavior})).region_id;
    const plays = await create({type: 'play_content', artifact_id: 'kick'});
    await create({type: 'apply_processing', parameter: 'cutoff', curve: [{beat: 0, value: 0.5}, {beat: 1, value: 1}]});
    const triggers = await create({type: 'emit_trigger', event_type: 'drop'});
    await call(client, 'region_move', {region_id: plays, new_position: 100});
    await call(client, 'region_delete', {region_id: triggers});
    assert.equal((await call(client, 'region_list')).regions.length, 2);
    const {regions} = await call(client, 'region_list', {start: 99, end: 101});
    assert.deepEqual(regions.map(region => region.region_id), [plays]);

    const decided = [];
    for (const how of ['approve', 'reject', 'latent_failed']) {
        const region_id = await create({type: 'latent', job_id: 'job'});
        await call(client, 'latent_started', {region_id, job_id: 'job'});
        await call(client, 'latent_progress', {region_id, progress: 0.5});
        if (how === 'latent_failed') {
            await call(client, how, {region_id, error: 'no idea'});
            continue;
        }
        await call(client, 'latent_resolved', {region_id, artifact_id: 'a', content_hash: 'h', content_type: 'Audio'});
        const {approvals} = await call(client, 'latent_pending');
        assert.deepEqual(approvals.map(each => each.region_id), [region_id]);
        await call(client, how, {region_id, decided_by: me});
        decided.push(region_id);
        assert.match(await failure(client, 'approve', {region_id, decided_by: me}), /refused/);
    }
    const found = await call(client, 'graph_query', {
        query: '{ Region { region: id @output status: latent_status @output @filter(op: "=", value: ["$s"]) } }',
        variables: {s: 'approved'}});
    assert.deepEqual(found, {rows: [{region: decided[0], status: 'approved'}], count: 1, truncated: false});
    await until(() => client.logged.some(each => each.data.event === 'LatentApproved' &&
        each.data.fields.region_id === decided[0]));
}

async function the_graph_is_built_and_asked(stage) {
    await stage.gardend();
    const client = await stage.client();
    const ports = [{name: 'main', signal_type: 'audio'}];
    const add = async (name, node_type) => (await call(client, 'node_add', {
        name, node_type, config: {inputs: ports, outputs: ports}})).node_id;
    const source = await add('drums', 'source.file'), effect = await add('reverb', 'effect.reverb');
    let {rows} = await call(client, 'node_list');
    assert.deepEqual(rows.map(row => row.name).sort(), ['drums', 'reverb']);
    const port = (id, key) => ({node_id: id, port_name: rows.find(row => row.node_id === id)[key][0]});
    const connection = {source: port(source, 'outputs'), dest: port(effect, 'inputs')};
    await call(client, 'node_connect', connection);
    assert.match(await failure(client, 'node_connect', {source: port(effect, 'outputs'), dest: {...connection.dest,
        node_id: randomUUID()}}), /refused/);
    ({rows} = await call(client, 'node_list'));
    assert.deepEqual(rows.find(row => row.node_id === source).feeds, [effect]);
    await call(client, 'node_disconnect', connection);
    await call(client, 'node_remove', {node_id: effect});
    assert.equal((await call(client, 'node_list')).count, 1);
    assert((await call(client, 'graph_schema')).schema.includes('type Region'));
    assert.match(await failure(client, 'graph_query', {query: '{ Nod { name @output } }'}), /Node/);
}

async function what_the_daemon_tells_can_be_read(stage) {
    await stage.gardend();
    const client = await stage.client();
    const {state} = await call(client, 'daemon_status');
    assert.deepEqual(state.sources.map(source => source.name), ['dev']);
    const events = await call(client, 'events_read', {from_seq: 0});
    assert(events.events.length >= 2 && events.next_seq >= 2);
    for (const resource of (await client.listResources()).resources) {
        const {contents} = await client.readResource({uri: resource.uri});
        assert.equal(contents[0].uri, resource.uri);
        if (contents[0].mimeType === 'application/json') JSON.parse(contents[0].text);
    }
    await client.listResourceTemplates();
}

async function a_daemon_that_is_down_is_told_of_and_found_again(stage) {
    const client = await stage.client();
    const words = await failure(client, 'transport_state');
    assert.match(words, /not reachable/);
    assert.match(words, /gardend/);
    assert((await call(client, 'graph_schema')).schema.length > 0);
    await stage.gardend();
    await call(client, 'transport_state');
    await call(client, 'region_create', {position: 0, duration: 1, behavior: {type: 'play_content', artifact_id: 'a'}});
    await stage.end('SIGKILL');
    assert.match(await failure(client, 'transport_state'), /not reachable/);
    await stage.gardend();
    assert.equal((await call(client, 'region_list')).regions.length, 1, 'the state was kept');
    assert.deepEqual(await call(client, 'shutdown'), {status: 'shutting_down'});
    await stage.daemon.gone;
    assert.match(await failure(client, 'transport_state'), /not reachable/);
}

// A recording of 16 bits, no frame of which looks like another.
function recording(stage, frames, channels = 2, rate = 48000) {
    const data = Buffer.alloc(frames * channels * 2);
    for (let i = 0; i < frames * channels; i++) data.writeInt16LE((i * 40503) % 65536 - 32768, 2 * i);
    const head = Buffer.alloc(44);
    head.write('RIFF'); head.writeUInt32LE(36 + data.length, 4); head.write('WAVEfmt ', 8); head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20); head.writeUInt16LE(channels, 22); head.writeUInt32LE(rate, 24);
    head.writeUInt32LE(rate * channels * 2, 28); head.writeUInt16LE(channels * 2, 32); head.writeUInt16LE(16, 34);
    head.write('data', 36); head.writeUInt32LE(data.length, 40);
    writeFileSync(join(stage.folder, 'take.wav'), Buffer.concat([head, data]));
    return data;
}

async function blob(client, uri) {
    const {contents: [content]} = await client.readResource({uri});
    assert.equal(content.mimeType, 'audio/wav');
    return Buffer.from(content.blob, 'base64');
}

async function all_resources(client) {
    const found = [];
    for (let cursor; ;) {
        const page = await client.listResources(cursor ? {cursor} : {});
        found.push(...page.resources);
        if (!(cursor = page.nextCursor)) return found;
    }
}

async function a_recording_is_captured_rotated_sealed_sliced_and_verified(stage) {
    const data = recording(stage, 48000 * 2);
    await stage.gardend('--source', `take=file:${join(stage.folder, 'take.wav')}`, '--pace', 'fast');
    const client = await stage.client();
    const uri = 'stream://take/one';
    const begun = await call(client, 'stream_create', {uri, device_identity: 'take', chunk_size_bytes: 20000});
    assert.equal(begun.status, 'recording');
    assert(begun.chunk_path.startsWith(join(stage.store, 'staging')), begun.chunk_path);
    assert.match(await failure(client, 'stream_create', {uri, device_identity: 'take'}), /being captured already/);
    await until(async () => (await call(client, 'stream_status', {uri})).total_samples === 96000);
    const ended = await call(client, 'stream_stop', {uri});
    assert.deepEqual({...ended, manifest_hash: ''}, {
        uri, status: 'stopped', chunk_count: 20, total_samples: 96000, total_bytes: data.length, lost_samples: 0,
        manifest_hash: '', complete: true, ...(ended.trouble ? {trouble: ended.trouble} : {})});
    assert.deepEqual(await call(client, 'stream_stop', {uri}), ended, 'asked again it gives the same');
    const {manifest_hash} = ended;

    const verified = await call(client, 'stream_verify', {manifest_hash});
    assert(verified.verified && verified.complete && verified.chunk_count === 20 && verified.stream_uri === uri);
    const slice = await call(client, 'stream_slice', {stream_uri: uri, from: {type: 'sampleposition', position: 4990},
                                                      to: {type: 'sampleposition', position: 15010}});
    assert.deepEqual(slice.sample_range, [4990, 15010]);
    assert.equal(slice.source_chunks.length, 4);
    const wav = await blob(client, `garden://object/${slice.content_hash}`);
    assert.equal(wav.readUInt32LE(40), 10020 * 4);
    assert(wav.subarray(44).equals(data.subarray(4990 * 4, 15010 * 4)));
    assert((await blob(client, `garden://slice/${manifest_hash}/4990-15010`)).equals(wav));
    const whole = await call(client, 'stream_slice', {manifest_hash, from: {type: 'streamstart'}, to: {type: 'streamhead'}});
    assert((await blob(client, `garden://object/${whole.content_hash}`)).subarray(44).equals(data));
    const tail = await call(client, 'stream_slice', {manifest_hash, from: {type: 'relative', seconds_ago: 0.5},
                                                     to: {type: 'streamhead'}});
    assert.deepEqual(tail.sample_range, [72000, 96000]);
    const virtual = await call(client, 'stream_slice', {manifest_hash, output: 'virtual', from: {type: 'streamstart'},
                                                        to: {type: 'sampleposition', position: 5001}});
    const {contents: [content]} = await client.readResource({uri: `garden://object/${virtual.content_hash}`});
    const told = JSON.parse(content.text);
    assert.deepEqual(told.chunks.map(chunk => [chunk.byte_offset, chunk.byte_length]), [[0, 20000], [0, 4]]);
    assert.equal(told.source_manifest, manifest_hash);

    const resources = await all_resources(client);
    const chunks = resources.filter(resource => resource.uri.startsWith(`garden://chunk/${manifest_hash}/`));
    assert.equal(chunks.length, 20);
    const parts = [];
    for (const chunk of chunks) parts.push((await blob(client, chunk.uri)).subarray(44));
    assert(Buffer.concat(parts).equals(data));
    const manifest = JSON.parse((await client.readResource({uri: `garden://manifest/${manifest_hash}`})).contents[0].text);
    assert.equal(manifest.chunks.length, 20);
    assert(client.listChanges > 0);
    for (const [from, to] of [[5, 5], [7, 3], [0, 96001]])
        assert.match(await failure(client, 'stream_slice', {manifest_hash, from: {type: 'sampleposition', position: from},
                                                            to: {type: 'sampleposition', position: to}}), /96000/);
    for (const wrong of [`garden://chunk/${manifest_hash}/20`, `garden://chunk/${manifest_hash}`,
                         `garden://manifest/${'0'.repeat(64)}`, 'garden://object/x', `garden://slice/${manifest_hash}/5`])
        await assert.rejects(client.readResource({uri: wrong}), error => error.code === -32002, wrong);
}

async function a_whole_capture_tells_its_progress_and_can_be_cancelled(stage) {
    await stage.gardend();
    const client = await stage.client();
    const steps = [];
    const ended = await call(client, 'stream_capture',
                             {uri: 'stream://dev/short', device_identity: 'dev', seconds: 1, chunk_size_bytes: 50000},
                             {timeout: PATIENCE, onprogress: step => steps.push(step)});
    assert(ended.total_samples >= 48000 && ended.lost_samples === 0 && ended.complete);
    assert(steps.length > 2 && steps.every((step, i) => i === 0 || step.progress > steps[i - 1].progress));
    assert.equal(steps[0].total, 48000);

    const uri = 'stream://dev/long';
    const controller = new AbortController();
    const call_of_it = client.callTool({name: 'stream_capture', arguments: {uri, device_identity: 'dev'}}, undefined,
                                       {timeout: PATIENCE, signal: controller.signal});
    const gone = assert.rejects(call_of_it, /abort|cancel/i);
    await until(async () => !(await client.callTool({name: 'stream_status', arguments: {uri}})).isError &&
        (await call(client, 'stream_status', {uri})).total_samples > 0);
    controller.abort('cancelled by the test');
    await gone;
    await until(async () => (await call(client, 'stream_status', {uri})).status === 'stopped');
    const {manifest_hash} = await call(client, 'stream_status', {uri});
    assert((await call(client, 'stream_verify', {manifest_hash})).verified, 'what was captured is sealed');
    await client.ping();
}

async function resources_tell_of_their_changes(stage) {
    await stage.gardend('--position-ms', '50');
    const client = await stage.client();
    const uri = 'stream://dev/watched';
    await client.setLoggingLevel('debug');
    await client.subscribeResource({uri: 'garden://transport'});
    await client.subscribeResource({uri: 'garden://events'});
    await call(client, 'stream_create', {uri, device_identity: 'dev', chunk_size_bytes: 40000});
    const own = (await all_resources(client)).find(resource => resource.name === uri).uri;
    await client.subscribeResource({uri: own});
    await call(client, 'transport_play');
    for (const wanted of ['garden://transport', 'garden://events', own])
        await until(() => client.updated.includes(wanted));
    for (const event of ['PlaybackStarted', 'PlaybackPosition', 'StreamHeadPosition', 'StreamChunkFull'])
        await until(() => client.logged.some(each => each.data.event === event));
    const state = JSON.parse((await client.readResource({uri: own})).contents[0].text);
    assert.equal(state.status, 'recording');
    for (const each of ['garden://transport', 'garden://events', own]) await client.unsubscribeResource({uri: each});
    await client.setLoggingLevel('error');
    await client.ping();
    client.updated.length = client.logged.length = 0;
    await call(client, 'transport_stop');
    const live = await call(client, 'stream_slice', {stream_uri: uri, from: {type: 'streamstart'}, to: {type: 'streamhead'}});
    assert(live.sample_range[1] > 0, 'what is sealed can be sliced while it goes on');
    assert((await call(client, 'stream_stop', {uri})).lost_samples === 0);
    assert.deepEqual([client.updated, client.logged], [[], []]);
}

async function what_goes_wrong_with_streams_is_told(stage) {
    assert.match(await failure(await stage.client(), 'stream_create', {uri: 'stream://x', device_identity: 'dev'}),
                 /not reachable/);
    await stage.gardend();
    const client = await stage.client();
    assert.match(await failure(client, 'stream_create', {uri: 'stream://x', device_identity: 'none'}), /no source 'none'/);
    for (const tool of ['stream_stop', 'stream_status'])
        assert.match(await failure(client, tool, {uri: 'stream://none'}), /stream/);
    assert.match(await failure(client, 'stream_slice', {from: {type: 'streamstart'}, to: {type: 'streamhead'}}), /manifest_hash/);
    assert.match(await failure(client, 'stream_verify', {manifest_hash: '0'.repeat(64)}), /nothing is recorded/);
    assert.match(await failure(client, 'stream_create', {uri: 'stream://x', device_identity: 'dev', chunk_size_bytes: 1}),
                 /chunk|frame/);
    // One whose format the source has not is the daemon's to refuse; nothing is left behind.
    assert.match(await failure(client, 'stream_create', {uri: 'stream://y', device_identity: 'dev',
                                                         format: {type: 'audio', sample_rate: 44100}}), /could not be captured/);
    assert.deepEqual(readdirSync(join(stage.store, 'staging')), []);
    // A daemon that is killed amid a capture: what it had written is sealed, once it is back.
    const uri = 'stream://dev/killed';
    await call(client, 'stream_create', {uri, device_identity: 'dev', format: {type: 'audio', sample_format: 'i24'}});
    await until(async () => (await call(client, 'stream_status', {uri})).total_samples > 1000);
    await stage.end('SIGKILL');
    await stage.gardend();
    const ended = await call(client, 'stream_stop', {uri});
    assert(ended.total_samples > 1000 && ended.manifest_hash && !ended.complete && ended.trouble, JSON.stringify(ended));
    assert((await call(client, 'stream_verify', {manifest_hash: ended.manifest_hash})).verified);
}

async function a_client_that_goes_leaves_a_sealed_recording(stage) {
    await stage.gardend();
    const client = await stage.client();
    const uri = 'stream://dev/left';
    await call(client, 'stream_create', {uri, device_identity: 'dev', chunk_size_bytes: 100000});
    await until(async () => (await call(client, 'stream_status', {uri})).total_samples > 1000);
    await stage.leave(client);
    const other = await stage.client();
    await until(async () => (await all_resources(other)).some(resource => resource.description.includes(uri)));
    assert.match((await call(other, 'stream_status', {uri})).status, /stop/, 'the daemon tells of it still');
}

// Everything at once, in no order, with a daemon that is killed amid it.
async function odd_orders_are_survived(stage) {
    await stage.gardend();
    const client = await stage.client();
    const uri = 'garden://transport';
    await assert.rejects(client.request({method: 'initialize', params: {protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {
        name: 'again', version: '1'}}}, EmptyResultSchema), error => error.code === -32600);
    for (const requestId of [999, 'none', 0]) await client.notification({method: 'notifications/cancelled', params: {requestId}});
    const lists = await Promise.all(Array.from({length: 20}, () => client.listTools()));
    for (const {tools} of lists) assert.deepEqual(tools, client.tools);
    await Promise.all(Array.from({length: 30}, (_, i) => i % 2 ? client.subscribeResource({uri}) : client.unsubscribeResource({uri})));
    await client.unsubscribeResource({uri});
    // Half of them are not wanted any more as soon as they were sent.
    const outcomes = await Promise.allSettled(Array.from({length: 40}, (_, i) => {
        const controller = new AbortController();
        const call = client.callTool({name: i % 4 < 2 ? 'node_list' : 'transport_state', arguments: {}}, undefined, {timeout: PATIENCE, signal: controller.signal});
        if (i % 2) controller.abort('not wanted');
        return call;
    }));
    // Some were answered before it was told; such an answer is nobody's then.
    await client.ping();
    client.failures = client.failures.filter(({message}) => !message.includes('unknown message ID'));
    outcomes.forEach(({status, value}, i) => assert(i % 2 ? status === 'rejected' : status === 'fulfilled' && !value.isError, `${i}: ${status}`));
    const amid = Array.from({length: 40}, (_, i) => i % 5 === 4 ? client.ping() : client.callTool({name: i % 2 ? 'node_list' : 'transport_state', arguments: {}}));
    await stage.end('SIGKILL');
    for (const result of await Promise.all(amid))
        assert(!result.isError || /not reachable|does not answer|lost|closed/.test(result.content[0].text), JSON.stringify(result));
    await client.ping();
    await stage.gardend();
    assert.equal((await call(client, 'transport_state')).playing, false);
    assert.equal((await call(client, 'node_list')).count, 0);
    assert.match(await failure(client, 'node_add', {name: 'y'.repeat(300000), node_type: 'x', config: {}}), /65536/);
    await client.ping();
}

async function every_tool_was_called(stage) {
    const client = await stage.client();
    assert.deepEqual(client.tools.map(tool => tool.name).filter(name => !called.has(name)), []);
}

// ---- Running them

const tests = [
    the_client_meets_the_server,
    the_transport_is_driven,
    regions_live_and_latent_ones_are_decided_about,
    the_graph_is_built_and_asked,
    what_the_daemon_tells_can_be_read,
    a_daemon_that_is_down_is_told_of_and_found_again,
    a_recording_is_captured_rotated_sealed_sliced_and_verified,
    a_whole_capture_tells_its_progress_and_can_be_cancelled,
    resources_tell_of_their_changes,
    what_goes_wrong_with_streams_is_told,
    a_client_that_goes_leaves_a_sealed_recording,
    odd_orders_are_survived,
    every_tool_was_called,
];
let failed = 0, number = 0;
console.log(`1..${2 * tests.length}`);
for (const transport of ['stdio', 'http']) {
    called.clear();
    for (const test of tests) {
        const stage = new Stage(transport);
        let why = null;
        try {
            await test(stage);
        } catch (error) {
            why = error;
        }
        try {
            await stage.close();
        } catch (error) {
            why ??= error;
        }
        if (why) failed++;
        console.log(`${why ? 'not ok' : 'ok'} ${++number} - ${test.name.replaceAll('_', ' ')} over ${transport}`);
        if (why) console.log(`# ${why.stack}`.replaceAll('\n', '\n# '));
    }
}
process.exit(failed ? 1 : 0);
