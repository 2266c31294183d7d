// What every page does a little better with JavaScript; nothing here is needed to use it.
import { ALONE } from './alone.js';
import { keepForm } from './keep-form.js';
import { listenForKeys } from './keys.js';
import { renewToken } from './token.js';
import { takeFiles } from './uploads.js';

// Character counters: <output data-counts="field ids" data-limit="1500" data-text="{n} / {limit}">. The rule is that of the
// server (workflows/forms/counting.py): each Chinese character or mark is one, each unbroken run of other characters is one.
export function countWords(text) {
  let count = 0;
  let inRun = false;
  let before = '';
  for (const character of text) {
    if (/\s/u.test(character)) inRun = false;
    else if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) continue;
    else if (ALONE.test(character) && !(/['’]/.test(character) && /[0-9A-Za-z]/.test(before))) {
      count += 1;
      inRun = false;
    } else if (!inRun) {
      count += 1;
      inRun = true;
    }
    before = character;
  }
  return count;
}
window.countWords = countWords;

for (const output of document.querySelectorAll('output[data-counts]')) {
  const fields = output.dataset.counts.split(' ').map((id) => document.getElementById(id)).filter(Boolean);
  const show = () => {
    const length = fields.reduce((sum, field) => sum + countWords(field.value), 0);
    output.textContent = output.dataset.text.replace('{n}', length).replace('{limit}', output.dataset.limit);
    output.classList.toggle('over', length > Number(output.dataset.limit));
  };
  for (const field of fields) field.addEventListener('input', show);
  if (fields.length) show();
}

// What narrows a list is folded where it would push the list off a small screen; all of it is open without JavaScript.
if (matchMedia('(max-width: 40rem)').matches)
  for (const part of document.querySelectorAll('details[data-folds]:not([data-used])')) part.open = false;

// What the browser has restored is not hidden behind a summary.
window.addEventListener('pageshow', () => {
  for (const field of document.querySelectorAll('details textarea, details input:not([type=hidden])')) {
    if (field.value !== field.defaultValue) field.closest('details').open = true;
  }
});

// A text that explains 其它 is shown when 其它 is chosen.
for (const part of document.querySelectorAll('[data-explains]')) {
  const choice = document.getElementById(part.dataset.explains);
  const show = () => {
    part.hidden = choice.matches('select') ? choice.value !== 'other' : !choice.querySelector('input[value=other]')?.checked;
  };
  choice.addEventListener('change', show);
  show();
}

// Fields that a condition hides go and come while one types: data-hide holds the condition as the server wrote it
// (engine/expressions/portable.py). Whatever happens here, the server judges again when the form is sent.
const truthy = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const known = (value) => {
  if (value === null) throw new RangeError('not filled in yet');
  return value;
};
const OPERATORS = {
  '==': (one, other) => same(one, other),
  '!=': (one, other) => !same(one, other),
  '<': (one, other) => known(one) < known(other),
  '<=': (one, other) => known(one) <= known(other),
  '>': (one, other) => known(one) > known(other),
  '>=': (one, other) => known(one) >= known(other),
  in: (one, other) => known(other).includes(one),
  'not in': (one, other) => !known(other).includes(one),
};

function judge([head, ...rest], read) {
  if (head === 'value') return rest[0];
  if (head === 'name') return read(rest[0], rest[1]);
  if (head === 'list') return rest.map((part) => judge(part, read));
  if (head === 'not') return !truthy(judge(rest[0], read));
  if (head === 'and') return rest.every((part) => truthy(judge(part, read)));
  if (head === 'or') return rest.some((part) => truthy(judge(part, read)));
  return OPERATORS[head](judge(rest[0], read), judge(rest[1], read));
}

// A condition that cannot be told, because a field that it compares is still empty, does not hold.
function holds(condition, read) {
  try {
    return truthy(judge(condition, read));
  } catch (fault) {
    if (fault instanceof RangeError) return false;
    throw fault;
  }
}
window.holds = holds;

function readField(form, name, kind) {
  const inputs = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)].filter((input) => !input.closest('[data-hide][hidden]'));
  const chosen = inputs.filter((input) => input.checked);
  if (kind === 'yes') return chosen.length > 0;
  if (kind === 'many') return chosen.map((input) => input.value);
  const [input] = inputs[0]?.type === 'radio' ? chosen : inputs;
  const text = input?.value.trim() ?? '';
  if (kind !== 'number') return text || null;
  return text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}

for (const form of new Set([...document.querySelectorAll('form [data-hide]')].map((part) => part.closest('form')))) {
  const parts = [...form.querySelectorAll('[data-hide]')].map((part) => [part, JSON.parse(part.dataset.hide)]);
  const show = () => {
    for (const [part, condition] of parts) { // in the order of the page: what is hidden counts as empty for what follows
      part.hidden = holds(condition, (name, kind) => readField(form, name, kind));
    }
  };
  form.addEventListener('input', show);
  form.addEventListener('change', show);
  show();
}

// Focus goes to the summary of faults, so that it is read out first.
document.querySelector('[data-focus]')?.focus();

// A form is sent once: its buttons are closed after the first press (the server recognises a second one anyway).
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  setTimeout(() => delete form.dataset.sent, 10000);
});
// What was sent from this page keeps its key, also when one comes back to it: it is not done twice. Sent with other words it is
// asked about.
const keyed = new Map();
for (const key of document.querySelectorAll('form[method=post] input[name=key]')) {
  const action = key.form.getAttribute('action');
  const twins = [...keyed.values()].filter((name) => name.startsWith(`${action} `)).length;
  keyed.set(key, `${action} ${twins}`);
  key.value = history.state?.keys?.[keyed.get(key)] ?? key.value;
}
document.addEventListener('submit', (event) => {
  const key = event.target.elements.namedItem('key');
  if (event.defaultPrevented || !keyed.has(key)) return;
  history.replaceState({ ...history.state, keys: { ...history.state?.keys, [keyed.get(key)]: key.value } }, '');
});

// Without a network a form stays where it is, with what was typed in it; pressed once more it is sent in any case.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (navigator.onLine || form.method !== 'post' || event.defaultPrevented || form.querySelector('[data-offline]')) return;
  event.preventDefault();
  delete form.dataset.sent;
  const told = document.createElement('p');
  told.dataset.offline = 'yes';
  told.className = 'fault';
  told.setAttribute('role', 'alert');
  told.textContent = document.body.dataset.offline;
  (event.submitter?.closest('.actions') ?? event.submitter ?? form.lastElementChild).before(told);
  window.addEventListener('online', () => told.remove(), { once: true });
});
window.addEventListener('pageshow', (event) => { // back to a page as it was left: its buttons work again
  if (event.persisted) for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
});

// Rankings: <ol data-ranking> whose entries have number inputs; arrows move an entry and renumber.
for (const list of document.querySelectorAll('[data-ranking]')) {
  const renumber = () => [...list.querySelectorAll('input[data-rank]')]
    .filter((input) => input.value !== '')
    .forEach((input, place) => (input.value = place + 1));
  list.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-move]');
    if (!button) return;
    const entry = button.closest('li, tr');
    const other = button.dataset.move === 'up' ? entry.previousElementSibling : entry.nextElementSibling;
    if (!other) return;
    if (button.dataset.move === 'up') other.before(entry);
    else other.after(entry);
    entry.querySelector('input[data-rank]').value ||= '0'; // what is moved has a place from now on
    renumber();
    list.dispatchEvent(new Event('input', { bubbles: true }));
    button.focus();
  });
  list.querySelectorAll('button[data-move]').forEach((button) => (button.hidden = false));
}

// Saving while typing failed on the way: said beside the form, and tried again, at once when the network is back. Until it is
// saved the browser asks before it leaves the page.
const draftState = document.getElementById('draft_state');
if (draftState) {
  const RETRY = 10000;
  let timer;
  const retry = () => {
    clearTimeout(timer);
    if (draftState.dataset.unsaved) htmx.trigger(draftState, 'retry');
  };
  const later = (pause) => {
    draftState.dataset.unsaved = 'yes';
    clearTimeout(timer);
    timer = setTimeout(retry, pause);
  };
  draftState.addEventListener('htmx:error', () => {
    draftState.textContent = draftState.dataset.failed;
    later(RETRY);
  });
  draftState.addEventListener('htmx:finally:request', async ({ detail }) => {
    const status = detail.ctx.response?.status;
    if (status === 400 && (await renewToken())) later(0); // logged in again in another tab
    else if (status === 400 || status === 401 || status >= 500) later(RETRY);
    else if (status) delete draftState.dataset.unsaved;
  });
  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', () => document.hidden || retry()); // back from the tab in which one logged in
  draftState.closest('form').addEventListener('submit', () => delete draftState.dataset.unsaved);
  window.addEventListener('beforeunload', (event) => {
    if (draftState.dataset.unsaved) event.preventDefault();
  });
}

// Files go ahead of their form, in pieces.
for (const form of new Set([...document.querySelectorAll('[data-upload]')].map((place) => place.closest('form')))) takeFiles(form);

// Forms of drafts of notices save themselves.
for (const form of document.querySelectorAll('form[data-keeps]')) keepForm(form);

// "Print" buttons exist only where they can work.
for (const button of document.querySelectorAll('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}

// The list of tasks listens to the keyboard, and asks for news only while somebody can see it.
const keys = document.getElementById('keys');
if (keys) listenForKeys(keys);
document.addEventListener('htmx:before:request', (event) => {
  if (document.hidden && event.target.matches?.('[data-news]')) event.preventDefault();
});

// Arrow keys turn to the previous and the next of several files; never while one types or a modifier is held.
const turning = document.querySelector('[data-turning]');
if (turning) {
  turning.hidden = false;
  document.addEventListener('keydown', (event) => {
    const rel = { ArrowLeft: 'prev', ArrowRight: 'next' }[event.key];
    if (!rel || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.('input, textarea, select, [contenteditable]')) return;
    document.querySelector(`a[data-turns][rel=${rel}]`)?.click();
  });
}
