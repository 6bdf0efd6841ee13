// How a stream sounds: its waveform on a canvas, with what was lost and what was not told, and a meter for each of its
// channels.
import {attr, list, make, put, style} from './dom.js';
import {capturedBefore} from './model.js';
import {mark as again} from './state.js';
import {count, told} from './words.js';

// ---- The waveform

let colors = 'light';
const scheme = matchMedia('(prefers-color-scheme: dark)');
const onScheme = () => {
    colors = scheme.matches ? 'dark' : 'light';
    again('streams');
};
scheme.addEventListener('change', onScheme);
onScheme();

const PIXELS_A_STEP = 2;
export function drawWave(canvas, legend, stream)
{
    const {peaks} = stream;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (width === 0) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    const key = `${peaks.first}/${peaks.least.length}/${peaks.told}/${stream.lost.length}/${width}/${colors}`;
    if (canvas.dataset.drawn === key) return;
    canvas.dataset.drawn = key;
    const root = getComputedStyle(document.documentElement);
    const paint = canvas.getContext('2d');
    const color = name => paint.fillStyle = root.getPropertyValue(name);
    paint.clearRect(0, 0, width, height);
    color('--line');
    paint.fillRect(0, Math.round(height / 2), width, 1);
    const step = Math.max(1, Math.round(PIXELS_A_STEP * ratio));
    const shown = Math.min(peaks.least.length, Math.floor(width / step));
    const from = peaks.least.length - shown;
    let untold = false;
    for (let i = 0; i < shown; i++) {
        const least = peaks.least[from + i], greatest = peaks.greatest[from + i];
        if (least === null) {
            // Nothing was told: dots from top to bottom, as no sound looks.
            untold = true;
            color('--quiet');
            for (let y = (from + i) % 2 * 4 * ratio; y < height; y += 8 * ratio)
                paint.fillRect(width - (shown - i) * step, Math.round(y), ratio, ratio);
            continue;
        }
        color('--wave');
        const top = (1 - Math.min(1000, greatest) / 1000) * height / 2, bottom = (1 - Math.max(-1000, least) / 1000) * height / 2;
        paint.fillRect(width - (shown - i) * step, top, step, Math.max(ratio, bottom - top));
    }
    const mark = (position, thickness) => {
        const at = (capturedBefore(stream, position) - peaks.first) / peaks.step - from;
        const seen = at > 0 && at < shown;
        if (seen) paint.fillRect(Math.round(width - (shown - at) * step), 0, thickness, height);
        return seen;
    };
    // Where a chunk ends.
    color('--quiet');
    for (const chunk of stream.chunks.values()) mark(chunk.first + chunk.frames, Math.max(1, ratio));
    // Frames that were lost take no room, as there are no levels of them.
    color('--bad');
    const lost = stream.lost.filter(([first]) => mark(first, 2 * Math.max(1, ratio)));
    const words = [untold && 'dotted: captured, but its level was not told to this page',
                   lost.length > 0 && `red: ${count.format(lost.reduce((all, [, frames]) => all + frames, 0))} frames were lost here`].filter(Boolean).join(' · ');
    put(legend, words);
    legend.hidden = !words;
    attr(canvas, 'aria-label', `Waveform of ${told(stream.uri)}${words && `; ${words}`}`);
}

// ---- The meters

// One for each channel that levels were told of.
export function drawChannels(element, stream)
{
    list(element, (stream.levels ?? []).map((peak, i) => i), i => i, i => {
        const out = make('div', 'meter');
        attr(out, 'role', 'meter');
        attr(out, 'aria-label', `Level of channel ${i + 1}`);
        attr(out, 'aria-valuemin', -60);
        attr(out, 'aria-valuemax', 0);
        attr(out, 'aria-valuenow', -60);
        const bar = make('span', 'level');
        bar.append(make('i'));
        out.append(bar, make('b'));
        return out;
    }, () => {});
}

// A level falls by itself when nothing new is told.
export function drawLevels(element, stream, now)
{
    if (!stream.levels) return;
    const old = stream.state !== 'recording' || now - stream.levelsAt > 500;
    [...element.children].forEach((meter, i) => {
        const db = old || !stream.levels[i] ? -60 : Math.max(-60, 20 * Math.log10(stream.levels[i] / 1000));
        const words = db <= -60 ? '−∞ dB' : `${db.toFixed(1).replace('-', '−')} dB`;
        if (meter.lastChild.textContent === words) return;
        style(meter.firstChild.firstChild, 'clip-path', `inset(0 ${Math.max(0, Math.min(100, -db / .6)).toFixed(1)}% 0 0)`);
        put(meter.lastChild, words);
        attr(meter, 'aria-valuenow', db.toFixed(1));
        attr(meter, 'aria-valuetext', words);
    });
}
