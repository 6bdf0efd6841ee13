// Small things that all parts of the page need: elements, lists of them, the focus, and what the page says itself.
// Knows the document and nothing of gardens.
export const $ = id => document.getElementById(id);

export function make(tag, className, text)
{
    const out = document.createElement(tag);
    if (className) out.className = className;
    if (text !== undefined) out.textContent = text;
    return out;
}

// Touches the document only where something is different.
export function put(element, text)
{
    if (element.textContent !== text) element.textContent = text;
}

export function attr(element, name, value)
{
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function style(element, name, value)
{
    if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

// ---- Lists

// One child for each of |items|, kept by key, in their order. Of two with one key the first is shown. An element
// that is moved loses the focus, so the one that has it stays, and the others are moved around it.
export function list(parent, items, keyOf, create, update)
{
    const old = parent.kept ?? new Map();
    const kept = parent.kept = new Map();
    for (const item of items) {
        const key = String(keyOf(item));
        if (kept.has(key)) continue;
        const child = old.get(key) ?? create(item);
        old.delete(key);
        kept.set(key, child);
        update(child, item);
    }
    for (const child of old.values()) child.remove();
    const children = [...kept.values()];
    if (children.length === 0) return;
    const focus = document.activeElement;
    const still = Math.max(0, parent.contains(focus) ? children.findIndex(child => child.contains(focus)) : 0);
    if (children[still].parentNode !== parent) parent.prepend(children[still]);
    for (let i = still + 1; i < children.length; i++)
        if (children[i - 1].nextElementSibling !== children[i]) children[i - 1].after(children[i]);
    for (let i = still - 1; i >= 0; i--)
        if (children[i + 1].previousElementSibling !== children[i]) children[i + 1].before(children[i]);
}

// A table's row of so many cells, those from |numbersFrom| on with numbers.
export function row(cells, numbersFrom)
{
    const out = make('tr');
    out.append(...Array.from({length: cells}, (_, i) => make('td', i >= numbersFrom ? 'number' : '')));
    return out;
}

// ---- The focus

// An element that is disabled loses the focus; it gets it back with its use, unless somebody went elsewhere.
let lost = null;
export function able(element, yes)
{
    if (element.disabled === !yes) return;
    if (!yes && document.activeElement === element) lost = element;
    element.disabled = !yes;
    if (yes && lost === element && (document.activeElement === document.body || !document.activeElement)) element.focus();
    if (yes && lost === element) lost = null;
}
document.addEventListener('focusin', () => lost = null);

// What has the focus and is not there any more hands it to |next|, so that keys go on from there.
export function passFocus(had, next)
{
    if (had && (!had.isConnected || had.closest('[hidden]'))) next()?.focus();
}

// ---- What the page itself has to say

// Stays until something went well, or somebody has read it.
export function notice(text)
{
    $('notice').hidden = !text;
    put($('notice-text'), text);
}

const close = () => {
    const had = document.activeElement;
    notice('');
    passFocus(had, () => document.querySelector('main'));
};
$('notice-close').onclick = close;
document.addEventListener('keydown', event => event.key === 'Escape' && !$('notice').hidden && close());

// For those who do not look: said once, at most one a second.
let saying = [], sayTimer = null;
export function announce(text)
{
    saying.push(text);
    sayTimer ??= setTimeout(() => {
        put($('said'), saying.length > 3 ? `${saying.slice(0, 3).join('; ')}, and ${saying.length - 3} more` : saying.join('; '));
        saying = [];
        sayTimer = null;
    }, 1000);
}
