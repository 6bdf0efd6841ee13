// One scenario in a real Chromium: browser.mjs SCENARIO URL CHROMIUM FOLDER, where FOLDER has node_modules and
// gets the pictures. Says what it has come to in lines of JSON, each {"step", ...}; the script that started it,
// test_page.py, does at each what belongs to it, and answers with a line. The last is "done".
import {mkdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const [scenario, url, chromium, folder] = process.argv.slice(2);
const {chromium: kind} = createRequire(`${folder}/`)('playwright-core');
const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();
const PATIENCE = 60000;
const browser = await kind.launch({executablePath: chromium, args: process.getuid() === 0 ? ['--no-sandbox'] : []});
const page = await browser.newPage({viewport: {width: 1280, height: 900}});
page.setDefaultTimeout(PATIENCE);
const complaints = [];
// A connection that is refused while the daemon is away is told as well, and is none of the page's faults.
page.on('console', message => message.type() === 'error' && !/ERR_CONNECTION|WebSocket connection|ERR_SOCKET|status of 40/.test(message.text()) && complaints.push(message.text()));
page.on('pageerror', error => complaints.push(error.stack));

async function say(step, more = {})
{
    console.log(JSON.stringify({step, ...more}));
    const {value} = await lines.next();
    return value;
}

// Playwright's own way of waiting evaluates text in the page, which the page's policy forbids.
async function until(what, argument)
{
    for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise(done => setTimeout(done, 50))) {
        const found = await page.evaluate(what, argument).catch(error => /navigation|destroyed/.test(error.message) ? false : Promise.reject(error));
        if (found) return found;
    }
    throw new Error(`in vain: ${what}`);
}
const live = () => until(() => document.getElementById('state').textContent === 'live');
const inPage = (what, argument) => page.evaluate(what, argument);

const scenarios = {
    async capture()
    {
        await page.selectOption('#device', 'tone');
        await page.click('#capture');
        await until(() => document.querySelectorAll('.chunks li[data-state=sealed]').length >= 2);
        await until(() => document.querySelector('.meter b')?.textContent === '−6.0 dB');
        const during = await inPage(() => {
            const stream = gardenPage.model.streams.get('stream://tone/main');
            const canvas = document.querySelector('canvas.wave');
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return {greatest: Math.max(...stream.peaks.greatest), least: Math.min(...stream.peaks.least),
                    painted: pixels.some((value, i) => i % 4 === 3 && value > 0), state: document.querySelector('.stream .tag').textContent,
                    filling: document.querySelectorAll('.chunks li[data-state=filling]').length};
        });
        await say('during', during);
        await page.getByRole('button', {name: 'Stop stream://tone/main'}).click();
        await until(() => /manifest [0-9a-f]{64}/.test(document.querySelector('.stream').textContent));
        await until(() => document.querySelector('.stream .tag').textContent === 'stopped');
        await until(() => [...document.querySelectorAll('.chunks li')].every(({dataset}) => dataset.state === 'sealed'));
        await say('after', await inPage(() => ({
            manifest: document.querySelector('.stream').textContent.match(/manifest ([0-9a-f]{64})/)[1],
            figures: [...document.querySelectorAll('.figures div')].map(({textContent}) => textContent),
            shown: document.querySelectorAll('.chunks li').length,
            chunks: [...gardenPage.model.streams.get('stream://tone/main').chunks.values()],
        })));
    },

    async restart()
    {
        const session = await inPage(() => gardenPage.model.session);
        await say('kill');
        await until(() => document.getElementById('state').dataset.state === 'waiting');
        // In one look: the next lane that is missed says so in its place.
        const state = await until(() => {
            const {textContent} = document.getElementById('state');
            return textContent.includes('does not answer') && textContent;
        });
        await say('start', {state, disabled: await page.isDisabled('#play')});
        await until(old => globalThis.gardenPage?.model.session && gardenPage.model.session !== old, session);
        await live();
        await page.click('#play');
        await until(() => gardenPage.model.position(performance.now()) > 0.5);
        await say('back', {log: await page.textContent('#events')});
    },

    // The lanes' ports are others now, which the page's own policy does not allow: it loads itself anew.
    async moved()
    {
        const session = await inPage(() => gardenPage.model.session);
        await say('kill');
        await until(() => document.getElementById('state').dataset.state === 'waiting');
        await say('start');
        await until(old => globalThis.gardenPage?.model.session && gardenPage.model.session !== old, session);
        await live();
        await say('back');
    },

    async flood()
    {
        await inPage(() => {
            globalThis.watch = {frames: 0, longest: 0, last: performance.now(), begun: gardenPage.model.nextSeq};
            const step = () => {
                const now = performance.now();
                watch.longest = Math.max(watch.longest, now - watch.last);
                watch.last = now;
                watch.frames++;
                requestAnimationFrame(step);
            };
            requestAnimationFrame(step);
        });
        const flooding = say('flood');
        await until(() => gardenPage.model.counts.events > 2000);
        const clicks = [];
        for (let i = 0; i < 6; i++) {
            const begun = Date.now();
            await page.click('#pause');
            await until(i => document.getElementById('pause').getAttribute('aria-pressed') === String(i % 2 === 0), i);
            clicks.push(Date.now() - begun);
        }
        const published = Number(await flooding);
        await until(next => {
            const {events, missed, unread} = gardenPage.model.counts;
            return gardenPage.backlog() === 0 && gardenPage.model.nextSeq >= next && events + missed + unread >= next - watch.begun;
        }, published);
        await say('over', await inPage(() => ({...watch, ...gardenPage.model.counts, log: gardenPage.model.log.length,
                                                rows: document.getElementById('events').children.length})).then(seen => ({...seen, clicks})));
    },

    async keyboard()
    {
        // Everything that can be done is reached by Tab, shows that it has the focus, and has a name.
        const reached = await inPage(() => [...document.querySelectorAll('button, input, select, [tabindex]')]
            .filter(element => element.offsetParent && !element.disabled).length);
        const seen = [];
        await inPage(() => document.activeElement.blur());
        for (let i = 0; i < reached + 1; i++) {
            await page.keyboard.press('Tab');
            seen.push(await inPage(() => {
                const element = document.activeElement;
                return {name: element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent.trim(),
                        ring: getComputedStyle(element).outlineStyle};
            }));
        }
        await inPage(() => document.activeElement.blur());
        await page.keyboard.press('Space');
        await until(() => document.getElementById('play').textContent === 'Pause');
        await page.keyboard.press('Space');
        await until(() => document.getElementById('play').textContent === 'Play');
        await page.focus('#timeline');
        await page.keyboard.press('Home');
        await until(() => gardenPage.model.transport.position === 0);
        await page.keyboard.press('PageUp');
        await until(() => gardenPage.model.transport.position === 4);
        await page.keyboard.press('ArrowRight');
        await until(() => document.getElementById('timeline').getAttribute('aria-valuenow') === '5');
        await page.focus('#tempo');
        await page.keyboard.press('Control+A');
        await page.keyboard.type('90');
        await page.keyboard.press('Enter');
        await until(() => gardenPage.model.transport.tempo === 90);
        await page.getByRole('button', {name: 'Approve choir'}).focus();
        await page.keyboard.press('Enter');
        await until(() => document.querySelector('.region[data-status=approved]'));
        await page.getByRole('button', {name: 'Reject brass'}).focus();
        await page.keyboard.press('Enter');
        await until(() => document.querySelector('.region[data-status=rejected]'));
        await page.fill('#filter', 'latentapproved');
        await until(() => [...document.querySelectorAll('#events td:nth-child(3)')].every(({textContent}) => textContent === 'LatentApproved'));
        await say('seen', {seen, events: await page.textContent('#events')});
    },

    async pictures()
    {
        await page.selectOption('#device', 'tune');
        await page.click('#capture');
        await page.click('#play');
        await until(() => document.querySelectorAll('.chunks li[data-state=sealed]').length >= 2);
        await until(() => gardenPage.model.streams.get('stream://tune/main').peaks.least.length > 430);
        mkdirSync(`${folder}/shots`, {recursive: true});
        const wide = {};
        for (const [width, height] of [[390, 844], [820, 1180], [1280, 900]])
            for (const colorScheme of ['light', 'dark']) {
                await page.setViewportSize({width, height});
                await page.emulateMedia({colorScheme});
                await page.waitForTimeout(600);
                await page.screenshot({path: `${folder}/shots/${width}-${colorScheme}.png`, fullPage: true});
                wide[`${width}-${colorScheme}`] = await inPage(() => document.documentElement.scrollWidth - innerWidth);
            }
        // The one for README.md.
        await page.emulateMedia({colorScheme: 'light'});
        await page.setViewportSize({width: 1160, height: 880});
        await page.waitForTimeout(600);
        await page.screenshot({path: `${folder}/shots/picture.png`});
        await say('taken', {wide});
    },

    async token()
    {
        await say('in', {url: page.url(), cookie: (await page.context().cookies())[0]});
    },
};

try {
    await page.goto(url);
    await live();
    await until(() => !document.getElementById('capture').disabled);
    await scenarios[scenario]();
    if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join('; ')}`);
    console.log(JSON.stringify({step: 'done'}));
} catch (error) {
    console.log(JSON.stringify({step: 'failed', why: String(error.stack), state: await page.textContent('#state').catch(() => ''), complaints}));
    process.exitCode = 1;
}
await browser.close();
process.exit();
