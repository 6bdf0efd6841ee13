// The lanes with how long they take, who is connected to them, and who has registered.
import {garden, stats} from './ask.js';
import {$, attr, list, make, put, row} from './dom.js';
import {LANES} from './garden.js';
import {model} from './state.js';
import {count, ms, told} from './words.js';

const ROWS_MAX = 200; // of participants and of peers that are shown
const shortened = all => all > ROWS_MAX ? `${ROWS_MAX} of ${count.format(all)} are shown.` : '';

export function drawParticipants()
{
    put($('participant-count'), count.format(model.participants.length));
    put($('participant-note'), shortened(model.participants.length));
    list($('participants'), model.participants.slice(0, ROWS_MAX), one => one.id, () => {
        const out = make('li');
        out.append(make('span'), make('span', 'quiet'));
        return out;
    }, (element, one) => {
        attr(element, 'data-online', one.online);
        put(element.firstChild, told(one.name));
        put(element.lastChild, `${one.online ? 'online' : 'offline'}${one.capabilities.length ? ` · ${told(one.capabilities.join(', '), 200)}` : ''}`);
    });
}

const sum = object => Object.values(object ?? {}).reduce((all, one) => all + one, 0);
// What nobody has asked for is not lost.
const lost = dropped => sum({...dropped, 'no-match': 0});

export function drawStats()
{
    const lanes = LANES.map(lane => {
        const took = [...garden.took[lane]].sort((a, b) => a - b);
        const doors = stats?.[lane] ? Object.values(stats[lane]).filter(Boolean) : [];
        return {lane, median: took[took.length >> 1], worst: took[took.length - 1],
                queued: doors.reduce((all, {queued, waiting}) => all + queued + waiting, 0),
                dropped: doors.reduce((all, {dropped}) => all + lost(dropped), 0), known: doors.length > 0};
    });
    list($('lanes'), lanes, ({lane}) => lane, () => {
        const out = row(5, 1), name = make('th');
        attr(name, 'scope', 'row');
        out.firstChild.replaceWith(name);
        return out;
    }, (element, {lane, median, worst, queued, dropped, known}) => {
        const values = [lane, lane === 'iopub' ? '–' : ms(median), lane === 'iopub' ? '–' : ms(worst),
                        known ? count.format(queued) : '–', known ? count.format(dropped) : '–'];
        values.forEach((value, i) => put(element.children[i], value));
    });
    drawPeers();
}

function drawPeers()
{
    const peers = LANES.flatMap(lane => Object.entries(stats?.[lane] ?? {}).flatMap(
        ([door, counted]) => (counted?.peers ?? []).map(peer => ({lane, door, peer}))));
    put($('peer-count'), count.format(peers.length));
    put($('peer-note'), shortened(peers.length));
    list($('peers'), peers.slice(0, ROWS_MAX), ({lane, door, peer}) => `${lane}/${door}/${peer.number}`, () => row(7, 3), (element, {lane, door, peer}) => {
        const values = [lane, told(peer.remote || peer.endpoint || '–', 60), peer.type ?? (door === 'page' ? 'page' : peer.state),
                        count.format(peer.messages_out), count.format(peer.messages_in),
                        count.format(peer.queued_in + peer.queued_out), count.format(peer.lost + peer.discarded)];
        values.forEach((value, i) => put(element.children[i], value));
    });
}
