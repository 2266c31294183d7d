// Keeps a drawing as a draft on the server while it is drawn. What somebody else saved meanwhile is never overwritten unseen.
import { readToken, renewToken } from './token.js';

const PAUSE = 1500; // milliseconds without a change before it is saved
const RETRY = 15000; // after a failure on the way

export function keepDraft(modeler, page) {
  const state = document.getElementById('save_state');
  const conflict = document.getElementById('conflict');
  let version = page.dataset.version; // the one that the drawing is known to stand on
  let changes = 0; // made since the page was opened
  let kept = 0; // of them, on the server
  let refused = null; // the latest version, while a conflict waits for a decision
  let running = null;
  let timer;

  const say = (text) => {
    state.textContent = text;
    page.dataset.state = kept === changes ? 'kept' : 'unsaved';
  };

  async function send() {
    const count = changes;
    const { xml } = await modeler.saveXML({ format: true });
    let answer, told;
    try {
      answer = await fetch(page.dataset.save, {
        method: 'PUT',
        headers: {
          'Content-Type': 'application/xml',
          Accept: 'application/json',
          'If-Match': `"${version}"`,
          'X-CSRFToken': readToken()
        },
        body: xml
      });
      told = await answer.json();
    } catch {
      say(page.dataset.saveFailed);
      timer = setTimeout(save, RETRY);
      return false;
    }
    if (told.code === 'FormTokenStale') { // logged in again in another tab
      const renewed = await renewToken();
      say(page.dataset.saveFailed);
      timer = setTimeout(save, renewed ? 0 : RETRY);
      return false;
    }
    if (answer.ok) {
      version = told.version;
      kept = count;
      say(told.message);
      return true;
    }
    say(told.message ?? page.dataset.saveFailed);
    if (told.compare) {
      refused = told.version;
      document.getElementById('conflict_text').textContent = told.message;
      document.getElementById('conflict_compare').href = told.compare;
      conflict.hidden = false;
      conflict.focus();
    }
    return false;
  }

  // One request at a time; what changed during it is sent after it.
  async function save() {
    clearTimeout(timer);
    while (running) await running;
    if (refused !== null || kept === changes) return refused === null;
    say(page.dataset.saving);
    running = send();
    const done = await running;
    running = null;
    if (done && kept !== changes) timer = setTimeout(save, PAUSE);
    return done;
  }

  modeler.on('commandStack.changed', () => {
    changes += 1;
    if (refused === null) say(page.dataset.unsaved);
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  document.getElementById('save_drawing').addEventListener('click', save);
  document.getElementById('conflict_take').addEventListener('click', () => {
    version = refused;
    refused = null;
    conflict.hidden = true;
    save();
  });
  document.getElementById('conflict_drop').addEventListener('click', () => {
    kept = changes;
    location.reload();
  });
  // The network is back, or somebody from the tab in which one logged in.
  const retry = () => document.hidden || save();
  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', retry);
  window.addEventListener('beforeunload', (event) => {
    if (kept !== changes) event.preventDefault();
  });
  return save;
}
