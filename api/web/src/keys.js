// The keyboard in the list of tasks (WCAG 2.1.4: it can be switched off, and is silent while one types). Moving is moving the
// focus to a row's link, so that Enter opens it and screen readers read it.
const rows = (list) => [...list.querySelectorAll('tbody tr')].filter((row) => row.querySelector('th a'));

function step(list, by) {
  const all = rows(list);
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
  all[next]?.querySelector('th a').focus();
}

const present = (list) => rows(list).find((row) => row.contains(document.activeElement));
const typing = (target) => target.closest?.('input:not([type=checkbox]), textarea, select, [contenteditable]');

// How many are chosen, said where a screen reader hears it.
function tellChosen(list) {
  const said = list.querySelector('[data-chosen]');
  const count = list.querySelectorAll('input[name=many_task]:checked').length;
  if (said) said.textContent = count ? said.dataset.chosen.replace('{n}', count) : '';
}

// All of the page, or none when all are chosen already.
function choosePage(list) {
  const boxes = [...list.querySelectorAll('input[name=many_task]')];
  const chosen = !boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = chosen;
  tellChosen(list);
}

// The list as it came, also anew, and as one came back to it.
function showChoice(list) {
  for (const button of list.querySelectorAll('[data-whole-page]')) button.hidden = false;
  tellChosen(list);
}

export function listenForKeys(dialog) {
  const list = () => document.getElementById('tasks');
  const views = new Map([...document.querySelectorAll('a[data-key]')].map((link) => [link.dataset.key, link]));
  let going = false;
  const doing = {
    j: () => step(list(), 1),
    k: () => step(list(), -1),
    x: () => present(list())?.querySelector('input[name=many_task]')?.click(),
    a: () => choosePage(list()),
    c: () => present(list())?.querySelector('form[data-claims] button')?.click(),
    '/': () => document.getElementById('q').focus(),
    '?': () => dialog.showModal(),
    g: () => (going = true)
  };
  document.addEventListener('change', (event) => {
    if (event.target.name === 'many_task') tellChosen(list());
  });
  document.addEventListener('click', (event) => {
    if (event.target.matches('[data-whole-page]')) choosePage(list());
  });
  document.addEventListener('htmx:after:swap', () => showChoice(list()));
  window.addEventListener('pageshow', () => showChoice(list()));
  for (const button of document.querySelectorAll('button[data-opens=keys]')) {
    button.hidden = false;
    button.addEventListener('click', () => dialog.showModal());
  }
  if (!('on' in dialog.dataset)) return;
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || typing(event.target) || dialog.open) return;
    if (event.key === 'Shift') return;
    const view = going && views.get(event.key);
    const act = view ? () => view.click() : doing[event.key];
    going = false;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
