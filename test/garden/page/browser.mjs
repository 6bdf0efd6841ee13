// One scenario in a real Chromium: browser.mjs SCENARIO URL CHROMIUM FOLDER, where FOLDER has node_modules and
// gets the pictures. Says what it has come to in lines of JSON, each {"step", ...}; the script that started it,
// test_page.py, does at each what belongs to it, and answers with a line. The last is "done".
import {mkdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const [scenario, url, chromium, folder] = process.argv.slice(2);
const {chromium: kind} = createRequire(`${folder}/`)('playwright-core');
const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();
const PATIENCE = 120000, SETTLE = 20000;
const browser = await kind.launch({executablePath: chromium, args: process.getuid() === 0 ? ['--no-sandbox'] : []});
const context = await browser.newContext({viewport: {width: 1280, height: 900}});
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);
const complaints = [];
// A connection that is refused while the daemon is away is told as well, and is none of the page's faults.
page.on('console', message => message.type() === 'error' && !/ERR_CONNECTION|WebSocket connection|ERR_SOCKET|status of 40/.test(message.text()) && complaints.push(message.text()));
page.on('pageerror', error => complaints.length < 5 && complaints.push(error.stack));

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

const tab = async (times = 1) => {
    for (let i = 0; i < times; i++) await page.keyboard.press('Tab');
};
const focused = () => inPage(() => {
    const element = document.activeElement;
    return element === document.body ? '' : element.ariaLabel ?? element.labels?.[0]?.textContent.trim() ?? element.textContent.trim();
});
// By Tab alone, as somebody without a mouse would; never in vain.
async function reach(name)
{
    for (let i = 0; i < 120; i++, await tab()) if (await focused() === name) return;
    throw new Error(`Tab never comes to ${name}`);
}

// How much wider the document is than the window, at this width and text size, once what is drawn has settled. 640 is
// what 1280 are at 200 %.
async function surplus(width, fontSize = '')
{
    await page.setViewportSize({width, height: 800});
    await inPage(size => document.documentElement.style.fontSize = size, fontSize);
    await until(width => innerWidth === width, width);
    for (const end = Date.now() + SETTLE;;) {
        await page.waitForTimeout(150);
        const wider = await inPage(() => document.documentElement.scrollWidth - innerWidth);
        if (wider <= 0 || Date.now() > end) return wider;
    }
}

// Texts whose contrast with what is behind them is below |least|, by WCAG's formula.
const faint = least => inPage(least => {
    const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = color => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = color;
        paint.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
    const luminance = color => color.map(value => value / 255).map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
        .reduce((all, value, i) => all + value * [.2126, .7152, .0722][i], 0);
    const backOf = element => {
        const chain = [];
        for (let at = element; at; at = at.parentElement) chain.unshift(at);
        return chain.reduce((under, at) => over(rgba(getComputedStyle(at).backgroundColor), under), [255, 255, 255]);
    };
    const out = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!own || !element.checkVisibility({visibilityProperty: true}) || element.matches(':disabled, :disabled *, option, .hidden')) continue;
        const back = backOf(element);
        let opacity = 1;
        for (let at = element; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
        const [r, g, b, a] = rgba(getComputedStyle(element).color);
        const [light, dark] = [luminance(over([r, g, b, a * opacity], back)), luminance(back)].sort((x, y) => y - x);
        const ratio = (light + .05) / (dark + .05);
        if (ratio < least) out.push(`${element.tagName}.${element.className}#${element.id} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return out;
}, least);

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
            .filter(element => element.offsetParent && !element.disabled && element.tabIndex >= 0).length);
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

    // Every function, with keys alone, and where the focus is afterwards.
    async keys()
    {
        const told = {};
        await tab();
        told.skip = await focused();
        await page.keyboard.press('Enter');
        await reach('Source');
        await page.keyboard.press('ArrowDown');
        await reach("Stream's name");
        told.named = await inPage(() => document.activeElement.value);
        await page.keyboard.press('Control+A');
        await page.keyboard.type('stream://mic/keys');
        await page.keyboard.press('Enter');
        await until(() => gardenPage.model.streams.get('stream://mic/keys')?.captured > 1000);
        await reach('Stop stream://mic/keys');
        await page.keyboard.press('Enter');
        await until(() => /manifest [0-9a-f]{64}/.test(document.querySelector('.stream').textContent));
        told.stopped = await focused();
        await reach('Seek to beat');
        await page.keyboard.type('12.5');
        await page.keyboard.press('Enter');
        await until(() => gardenPage.model.transport.position === 12.5);
        await reach('Playhead');
        await page.keyboard.press('End');
        await until(() => gardenPage.model.transport.position === 16);
        await reach('Reject choir');
        // Others decide meanwhile: rows come and go, and the focus stays.
        await say('reorder');
        await until(() => document.querySelectorAll('.region[data-status=approved]').length === 1);
        told.kept = await focused();
        await page.keyboard.press('Enter');
        await until(() => document.querySelectorAll('.region[data-status=rejected]').length === 1);
        told.passed = await focused();
        await page.keyboard.press('Enter');
        await until(() => document.querySelectorAll('.region[data-status=rejected]').length === 2);
        await until(() => document.activeElement.id === 'latents-title');
        await reach('Tempo, bpm');
        await page.keyboard.press('Control+A');
        await page.keyboard.type('999.5');
        // Refused by the daemon, once it knows no such beat: words, which Escape takes away.
        await inPage(() => document.getElementById('tempo').removeAttribute('max'));
        await page.keyboard.press('Control+A');
        await page.keyboard.type('5000');
        await page.keyboard.press('Enter');
        await until(() => !document.getElementById('notice').hidden);
        told.notice = await page.textContent('#notice-text');
        await page.keyboard.press('Escape');
        await until(() => document.getElementById('notice').hidden);
        await reach('Show only what holds');
        await page.keyboard.type('StreamHead');
        await reach('without positions');
        await page.keyboard.press('Space');
        await until(() => document.querySelectorAll('#events tr').length > 0);
        await reach('Pause');
        await page.keyboard.press('Enter');
        told.paused = await inPage(() => document.getElementById('pause').ariaPressed);
        told.said = await inPage(() => document.getElementById('said').textContent);
        await say('seen', told);
    },

    async names()
    {
        await until(() => gardenPage.model.regions.length >= 8 && gardenPage.model.participants.length >= 8);
        await until(() => document.querySelectorAll('#latents li').length >= 8 && document.querySelectorAll('#participants li').length >= 8);
        const wide = {};
        for (const width of [320, 640, 1280]) wide[width] = await surplus(width);
        wide['320, twice the text'] = await surplus(320, '200%');
        await surplus(390, '');
        await say('seen', await inPage(wide => ({
            wide, injected: globalThis.injected ?? null, foreign: document.querySelectorAll('img, iframe, [onerror], main b:not(.meter b), main script').length,
            odd: [...document.querySelectorAll('body *')].filter(element => element.children.length === 0)
                .flatMap(element => [element.textContent, element.title, element.ariaLabel ?? ''])
                .filter(text => /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066\u2067]/.test(text)).map(text => text.slice(0, 60)),
            highest: Math.max(...[...document.querySelectorAll('#latents li, #participants li, #events tr, .stream header')].map(element => element.offsetHeight)),
            latents: [...document.querySelectorAll('#latents .what')].map(({textContent}) => textContent),
            buttons: [...document.querySelectorAll('#latents button:not([hidden])')].map(({ariaLabel}) => ariaLabel),
        }), wide));
    },

    async many()
    {
        await until(() => gardenPage.model.regions.length === 1200);
        await until(() => [...gardenPage.model.streams.values()].filter(({captured}) => captured > 2000).length === 10);
        await page.click('#play');
        await inPage(() => {
            globalThis.watch = [];
            let last = performance.now();
            requestAnimationFrame(function step(now) {
                watch.push(now - last);
                last = now;
                if (watch.length < 120) requestAnimationFrame(step);
            });
        });
        await say('flood');
        await until(() => watch.length >= 120);
        const told = await inPage(() => ({
            drawn: document.querySelectorAll('.region').length, note: document.getElementById('region-note').textContent,
            latents: document.querySelectorAll('#latents li').length, latentNote: document.getElementById('latent-note').textContent,
            high: document.getElementById('stage').offsetHeight, streams: document.querySelectorAll('.stream').length,
            painted: [...document.querySelectorAll('canvas.wave')].filter(canvas => canvas.dataset.drawn).length,
            frames: watch.sort((a, b) => a - b), progress: gardenPage.model.counts.events,
        }));
        await say('seen', {...told, wide: await surplus(1280)});
    },

    // A daemon with another state, another store, other devices.
    async another()
    {
        const session = await inPage(() => gardenPage.model.session);
        await page.selectOption('#device', 'mic');
        await page.fill('#uri', 'stream://mic/typed');
        await page.focus('#uri');
        await page.click('#pause');
        await page.focus('#uri');
        await say('kill');
        await until(() => document.getElementById('state').dataset.state === 'waiting');
        const faintWhileWaiting = await faint(4.5);
        await say('start');
        await until(old => globalThis.gardenPage?.model.session && gardenPage.model.session !== old, session);
        await live();
        await until(() => gardenPage.model.sources !== null);
        await until(() => !document.getElementById('uri').disabled);
        await say('seen', await inPage(faintWhileWaiting => ({
            faintWhileWaiting, device: document.getElementById('device').value, uri: document.getElementById('uri').value, focus: document.activeElement.id,
            regions: gardenPage.model.regions.length, streams: gardenPage.model.streams.size, paused: document.getElementById('pause').ariaPressed,
            devices: [...document.getElementById('device').options].map(({value}) => value),
        }), faintWhileWaiting));
    },

    async look()
    {
        await page.selectOption('#device', 'tone');
        await page.click('#capture');
        await until(() => document.querySelectorAll('.chunks li[data-state=sealed]').length >= 1);
        const told = {faint: {}, wide: {}};
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({colorScheme});
            await page.waitForTimeout(200);
            told.faint[colorScheme] = await faint(4.5);
        }
        for (const width of [320, 640, 1280]) for (const size of ['', '200%']) told.wide[`${width} ${size}`] = await surplus(width, size);
        await surplus(1280, '');
        told.grows = await inPage(() => {
            const size = () => parseFloat(getComputedStyle(document.getElementById('beat')).fontSize) / parseFloat(getComputedStyle(document.body).fontSize);
            const before = [parseFloat(getComputedStyle(document.body).fontSize), size()];
            document.documentElement.style.fontSize = '200%';
            const after = [parseFloat(getComputedStyle(document.body).fontSize), size()];
            document.documentElement.style.fontSize = '';
            return after[0] / before[0];
        });
        await page.emulateMedia({reducedMotion: 'reduce'});
        await page.click('#play');
        await until(() => gardenPage.model.position(performance.now()) > 2);
        told.steps = await inPage(async () => {
            const seen = new Set(), beats = new Set();
            for (let i = 0; i < 40; i++) {
                await new Promise(done => requestAnimationFrame(done));
                seen.add(document.getElementById('playhead').style.transform);
                beats.add(Math.floor(gardenPage.model.position(performance.now())));
            }
            return [seen.size, beats.size];
        });
        told.moves = await inPage(() => [...document.querySelectorAll('body *')].filter(element => getComputedStyle(element).transitionDuration !== '0s' ||
            getComputedStyle(element).animationName !== 'none').length);
        // What a screen reader is told.
        told.unnamed = await inPage(() => [...document.querySelectorAll('button, input, select, [role=slider], [role=meter], [role=img], [role=region], section')]
            .filter(element => !(element.ariaLabel || element.labels?.length || element.textContent.trim() && element.tagName === 'BUTTON' || element.getAttribute('aria-labelledby')))
            .map(({outerHTML}) => outerHTML.slice(0, 80)));
        told.live = await inPage(() => [...document.querySelectorAll('[role=status], [role=alert]')].map(({id}) => id));
        told.broken = await inPage(() => [...document.querySelectorAll('[aria-labelledby], [aria-describedby]')]
            .flatMap(element => [element.getAttribute('aria-labelledby'), element.getAttribute('aria-describedby')]).filter(id => id && !document.getElementById(id)));
        told.regions = await page.getByRole('listitem', {includeHidden: false}).filter({hasText: 'choir'}).count();
        await say('seen', told);
    },

    // The secret is another one after a restart; and a second daemon with its own is looked at, too.
    async secrets()
    {
        const next = await say('changed');
        await until(() => document.getElementById('state').dataset.state === 'denied');
        const state = await page.textContent('#state');
        const other = await context.newPage();
        await other.goto(next);
        await live();
        const second = await say('second', {state});
        await other.goto(second);
        for (const end = Date.now() + PATIENCE; await other.textContent('#state') !== 'live' && Date.now() < end;) await other.waitForTimeout(50);
        await page.reload();
        await live();
        await say('both', {urls: [page.url(), other.url()], cookies: (await context.cookies()).map(({name}) => name)});
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
        await say('in', {url: page.url(), cookie: (await context.cookies())[0]});
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
