// Words for numbers, and for names that strangers chose. Pure functions, which the tests call one by one.

export const count = new Intl.NumberFormat('en');
export const fixed = (value, digits) => value === null || value === undefined ? '–' : value.toFixed(digits);
export const ms = value => value === undefined ? '–' : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
export const beats = value => String(Number(value.toPrecision(9)));

export function bytes(size)
{
    for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
        if (size < 1024 || unit === 'GiB') return `${unit === 'B' ? size : size.toFixed(1)} ${unit}`;
        size /= 1024;
    }
}

// Characters that nobody sees, and those that turn the text around them.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const HEAPED = /(\p{M}{4})\p{M}+/gu;

export function seen(text)
{
    return text.replace(UNSEEN, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).replace(HEAPED, '$1…');
}

// A name or words that somebody chose, fit to stand among ours: nothing in it is unseen, it is not long, and
// what it is written from right to left ends with it.
export function told(text, most = 120)
{
    const whole = String(text ?? '');
    if (whole === '') return '(no name)';
    const letters = [...whole.slice(0, 2 * most + 2)];
    const out = seen(letters.length > most ? `${letters.slice(0, most).join('')}…` : whole);
    return /[^\u0000-\u024f\u2010-\u2027]/.test(out) ? `\u2068${out}\u2069` : out;
}

// Whose events these are, and what it does, once it told that.
export function sessionWords({session, status})
{
    return [session && `session ${session.slice(0, 8)}`, session && status].filter(Boolean).join(', ');
}
