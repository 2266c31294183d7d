// What every page does a little better with JavaScript; nothing here is needed to use it.

// Character counters: <output data-counts="field id" data-limit="1500" data-text="{n} / {limit}">.
// Counted as the server counts: every CJK character, and every run of other letters or digits, is one.
const CJK = /[\u2E80-\u303E\u3040-\u9FFF\uF900-\uFAFF\uFF00-\uFFEF]|[\u{20000}-\u{3FFFF}]/gu;

export function countCharacters(text) {
  const signs = text.match(CJK)?.length ?? 0;
  const words = text.replace(CJK, ' ').match(/\S+/g)?.length ?? 0;
  return signs + words;
}

for (const output of document.querySelectorAll('output[data-counts]')) {
  const field = document.getElementById(output.dataset.counts);
  const show = () => {
    const length = output.dataset.rule === 'words' ? countCharacters(field.value) : [...field.value].length;
    output.textContent = output.dataset.text.replace('{n}', length).replace('{limit}', output.dataset.limit);
    output.classList.toggle('over', length > Number(output.dataset.limit));
  };
  field?.addEventListener('input', show);
  if (field) show();
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

// Rankings: <ol data-ranking> whose entries have number inputs; arrows move an entry and renumber.
for (const list of document.querySelectorAll('[data-ranking]')) {
  const renumber = () => list.querySelectorAll('input[data-rank]').forEach((input, place) => {
    if (input.value !== '' || list.dataset.ranking === 'all') input.value = place + 1;
  });
  list.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-move]');
    if (!button) return;
    const entry = button.closest('li, tr');
    const other = button.dataset.move === 'up' ? entry.previousElementSibling : entry.nextElementSibling;
    if (!other) return;
    if (button.dataset.move === 'up') other.before(entry);
    else other.after(entry);
    renumber();
    list.dispatchEvent(new Event('input', { bubbles: true }));
    button.focus();
  });
  list.querySelectorAll('button[data-move]').forEach((button) => (button.hidden = false));
}

// "Print" buttons exist only where they can work.
for (const button of document.querySelectorAll('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}
