// The official SDK's client drives garden-mcp and a real gardend. Started by test_sdk.py; reports in TAP.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {LoggingMessageNotificationSchema, McpError} from '@modelcontextprotocol/sdk/types.js';

const BIN = process.env.BIN;
const PATIENCE = 60000;

// ---- A folder, a daemon in it, and clients

class Stage {
    constructor() {
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
        return ['--connection', this.connection];
    }

    async client() {
        const transport = new StdioClientTransport({
            command: join(BIN, 'garden-mcp'), args: this.options(), stderr: 'inherit'});
        return this.connected(new Client({name: 'test', version: '1'}), transport);
    }

    async connected(client, transport) {
        client.logged = [];
        client.failures = [];
        client.onerror = error => client.failures.push(error);
        client.setNotificationHandler(LoggingMessageNotificationSchema, message => client.logged.push(message.params));
        await client.connect(transport);
        this.clients.push(client);
        client.tools = (await client.listTools()).tools;
        return client;
    }

    async close() {
        for (const client of this.clients) {
            assert.deepEqual(client.failures, []);
            await client.close();
        }
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
    every_tool_was_called,
];
let failed = 0;
console.log(`1..${tests.length}`);
for (const [index, test] of tests.entries()) {
    const stage = new Stage();
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
    console.log(`${why ? 'not ok' : 'ok'} ${index + 1} - ${test.name.replaceAll('_', ' ')}`);
    if (why) console.log(`# ${why.stack}`.replaceAll('\n', '\n# '));
}
process.exit(failed ? 1 : 0);
