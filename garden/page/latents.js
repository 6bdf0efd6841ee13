// The list of latent regions: their state, and who approves or rejects them.
import {ME, attempt, live, refresh, shell} from './ask.js';
import {$, able, announce, attr, list, make, passFocus, put} from './dom.js';
import {model} from './state.js';
import {beats, count, told} from './words.js';

const LATENTS_MAX = 50; // that are listed
const ORDER = {resolved: 0, running: 1, pending: 2, failed: 3, rejected: 4, approved: 5};

export const called = region => told(region.artifact_id ?? region.job_id ?? region.parameter ?? region.event_type ?? region.id?.slice(0, 8));
export const placed = region => `beats ${beats(region.position)} to ${beats(region.position + region.duration)}`;

export function drawLatents()
{
    const latents = model.regions.filter(region => region.behavior_type === 'latent')
        .sort((a, b) => ORDER[a.latent_status] - ORDER[b.latent_status] || a.position - b.position);
    const had = document.activeElement?.closest('#latents button');
    const at = had ? [...$('latents').children].indexOf(had.closest('li')) : 0;
    put($('latent-count'), count.format(latents.length));
    list($('latents'), latents.slice(0, LATENTS_MAX), region => region.id, createLatent, updateLatent);
    put($('latent-note'), latents.length > LATENTS_MAX
        ? `${LATENTS_MAX} of ${count.format(latents.length)} are listed; those that wait for a decision come first.` : '');
    passFocus(had, () => nextButton(had, at));
    sayWaiting(latents);
}

// Where the row was that has been decided about the next one is now; or the heading, when none is left.
function nextButton(had, at)
{
    const verb = had.dataset.verb;
    const left = [...$('latents').querySelectorAll(`button[data-verb=${verb}]:not([hidden]):not(:disabled)`)];
    const rows = [...$('latents').children];
    return left.find(button => rows.indexOf(button.closest('li')) >= at) ?? left.at(-1) ?? $('latents-title');
}

let announced = new Set(); // those that were said to wait for a decision
function sayWaiting(latents)
{
    const waiting = latents.filter(({latent_status: status}) => status === 'resolved');
    for (const region of waiting)
        if (!announced.has(region.id)) announce(`${called(region)} waits to be approved`);
    announced = new Set(waiting.map(({id}) => id));
}

function createLatent(region)
{
    const out = make('li');
    const approve = make('button', 'small primary', 'Approve'), reject = make('button', 'small', 'Reject');
    approve.onclick = () => decide('ApproveLatent', region.id);
    reject.onclick = () => decide('RejectLatent', region.id);
    approve.dataset.verb = 'approve';
    reject.dataset.verb = 'reject';
    out.append(make('span', 'tag'), make('span', 'what'), approve, reject);
    return out;
}

function updateLatent(element, region)
{
    const [tag, what, approve, reject] = element.children;
    attr(tag, 'data-status', region.latent_status);
    const percent = region.latent_status === 'running' ? ` ${Math.round((region.latent_progress ?? 0) * 100)} %` : '';
    put(tag, region.latent_status + percent);
    const more = region.error ?? region.reason;
    put(what, `${called(region)}, ${placed(region)}${more ? `: ${told(more, 200)}` : ''}`);
    const waits = region.latent_status === 'resolved';
    for (const button of [approve, reject]) {
        button.hidden = !waits;
        able(button, live());
        attr(button, 'aria-label', `${button.textContent} ${called(region)}`);
    }
}

async function decide(verb, id)
{
    const content = {region_id: id, decided_by: ME};
    if (verb === 'RejectLatent') content.reason = null;
    await attempt(verb === 'RejectLatent' ? 'Reject' : 'Approve', () => shell({[verb]: content}));
    refresh(0);
}
