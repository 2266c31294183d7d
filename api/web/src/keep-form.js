// Keeps a form of a draft while one types: <form data-keeps> with #save_state beside its button and #conflict above it.
// What the server was not heard to answer is sent again as it was, so that nothing is saved twice; what somebody else saved
// meanwhile is never overwritten unseen. Without JavaScript the button does it.
import { readToken, renewToken } from './token.js';

const PAUSE = 1500; // milliseconds without a change before it is saved
const RETRY = 10000; // after a failure on the way

export function keepForm(form) {
  const state = document.getElementById('save_state');
  const conflict = () => document.getElementById('conflict');
  let refused = Boolean(conflict().firstElementChild); // somebody has to decide first
  let changes = refused ? 1 : 0; // made since the page was opened
  let kept = 0; // of them, on the server
  let unanswered = null; // what was sent last, until it is answered
  let running = null;
  let timer;

  const say = (text) => {
    state.textContent = text;
    form.dataset.state = kept === changes ? 'kept' : 'unsaved';
  };

  async function send() {
    unanswered ??= { count: changes, body: new URLSearchParams(new FormData(form)) };
    unanswered.body.set('csrf_token', readToken());
    let answer, told;
    try {
      answer = await fetch(form.action, { method: 'POST', body: unanswered.body, headers: { Accept: 'application/json' } });
      told = await answer.json();
    } catch {
      say(answer?.status === 401 ? state.dataset.expired : state.dataset.failed);
      timer = setTimeout(save, RETRY);
      return false;
    }
    if (told.code === 'FormTokenStale') { // logged in again in another tab
      const renewed = await renewToken();
      say(state.dataset.expired);
      timer = setTimeout(save, renewed ? 0 : RETRY);
      return false;
    }
    const { count } = unanswered;
    unanswered = null;
    if (answer.ok) {
      form.elements.revision.value = told.version;
      kept = count;
      say(kept === changes ? told.message : state.dataset.unsaved);
      return true;
    }
    refused = true;
    say(told.message ?? state.dataset.failed);
    if (told.html) {
      conflict().outerHTML = told.html; // the server's own template
      conflict().firstElementChild.focus();
    }
    return false;
  }

  // One request at a time; what is typed during it sets the timer for the next.
  async function save() {
    clearTimeout(timer);
    while (running) await running;
    if (refused || kept === changes) return !refused;
    say(state.dataset.saving);
    running = send();
    const done = await running;
    running = null;
    return done;
  }

  // Whether all is on the server.
  async function saveAll() {
    while (kept !== changes || running) {
      if (!(await save())) return false;
    }
    return true;
  }

  for (const kind of ['input', 'change']) {
    form.addEventListener(kind, (event) => {
      if (event.target.closest('[data-aside]')) return;
      changes += 1;
      if (refused) return;
      say(state.dataset.unsaved);
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE);
    });
  }

  // A button waits for what is on the way, so that it does not meet it as somebody else's.
  form.addEventListener('submit', async (event) => {
    clearTimeout(timer);
    if (running || unanswered) {
      event.preventDefault();
      await saveAll();
      unanswered = null;
      form.requestSubmit(event.submitter);
      return;
    }
    kept = changes;
  });

  // So does a link; what cannot be saved keeps the reader here.
  document.addEventListener('click', async (event) => {
    const link = event.target.closest('a[href]');
    const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !plain || link.target || event.defaultPrevented || refused || kept === changes) return;
    if (link.getAttribute('href').startsWith('#') || link.origin !== location.origin) return;
    event.preventDefault();
    if (await saveAll()) location.href = link.href;
  });

  // The network is back, or somebody from the tab in which one logged in.
  const retry = () => document.hidden || save();
  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', retry);
  window.addEventListener('beforeunload', (event) => {
    if (kept !== changes) event.preventDefault();
  });
}
