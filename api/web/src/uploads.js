// Files that are chosen, dropped or pasted are sent ahead of their form, in pieces. After a broken connection, a restart of the
// server or a new log-in each goes on by itself; after a reload as soon as the same file is chosen again (the server knows it by
// its name, size and content). Without JavaScript they go with the form.
import { readToken, renewToken } from './token.js';

const AT_ONCE = 2;
const PAUSES = [1000, 2000, 4000, 8000]; // milliseconds after a failure on the way; the last one from then on
const LARGEST_HASHED = 64 * 1024 * 1024; // it is read whole into memory

export function takeFiles(form) {
  const model = document.getElementById('upload_model');
  const texts = model.dataset;
  const places = [...form.querySelectorAll('[data-upload]')];
  const uploads = new Set(); // all that are not over: waiting, on their way, or refused and not put aside
  let asked = null; // the button that waits for them

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const say = (place, text) => (place.querySelector('[data-said]').textContent = text);
  const lines = (place) => place.querySelector('[data-uploads]');
  const rows = (place) => place.parentElement.querySelector('[data-files]');

  // ---- one file ----
  function show(upload, text) {
    const percent = upload.file.size ? Math.floor((100 * upload.offset) / upload.file.size) : 0;
    upload.line.querySelector('progress').value = percent;
    upload.line.querySelector('[data-state]').textContent = fill(text, { percent });
  }

  function refuse(upload, message) {
    upload.state = 'refused';
    upload.line.querySelector('progress').hidden = true;
    const told = upload.line.querySelector('[data-state]');
    told.setAttribute('role', 'alert');
    told.textContent = message;
    told.className = 'fault';
  }

  function end(upload) {
    uploads.delete(upload);
    const inside = upload.line.contains(document.activeElement);
    upload.line.remove();
    lines(upload.place).hidden = !lines(upload.place).childElementCount;
    if (inside) upload.place.querySelector('input[type=file]').focus();
    next();
  }

  function finish(upload, told) {
    const list = rows(upload.place);
    const twin = list.querySelector(`input[type=hidden][value="${told.file}"]`)?.closest('li');
    if (Number(upload.place.dataset.most) === 1) list.replaceChildren();
    else twin?.remove();
    list.insertAdjacentHTML('beforeend', told.html); // the server's own template
    list.hidden = false;
    say(upload.place, fill(texts.done, { name: upload.name }));
    list.dispatchEvent(new Event('input', { bubbles: true })); // the draft names it from now on
    end(upload);
  }

  const ask = (address, method, options) => fetch(address, {
    method, ...options, headers: { Accept: 'application/json', 'X-CSRFToken': readToken(), ...options.headers }
  });

  // What a refused or a broken answer is: thrown with `away` set when it is worth another try.
  async function read(answer) {
    if (answer.status === 401) throw Object.assign(new Error(), { away: texts.expired });
    const told = await answer.json();
    if (told.code === 'FormTokenStale') {
      await renewToken();
      throw Object.assign(new Error(), { away: texts.expired });
    }
    if (answer.ok || told.code === 'PartOffsetWrong' || told.code === 'PartUnknown') return told;
    if (answer.status >= 500 || answer.status === 429) throw Object.assign(new Error(), { away: texts.paused });
    throw Object.assign(new Error(told.message), { refused: true });
  }

  async function describe(file) {
    const described = { mark: String(file.lastModified) };
    if (file.size <= LARGEST_HASHED && globalThis.crypto?.subtle) { // only on https and on this machine
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
      described.sha256 = [...digest].map((each) => each.toString(16).padStart(2, '0')).join('');
    }
    return described;
  }

  async function sendOnce(upload) {
    const { file, place } = upload;
    const begun = { field: place.dataset.field, name: upload.name, size: file.size, ...upload.described };
    const part = await read(await ask(place.dataset.upload, 'POST', { body: new URLSearchParams(begun) }));
    upload.address = part.address;
    if (upload.state === 'over') return forget(part.address); // cancelled before the server had answered
    lines(place).querySelector(`[data-part="${part.id}"]`)?.remove(); // begun before the page was loaded
    let told = part;
    while (!told.html) {
      upload.offset = told.offset;
      show(upload, texts.sending);
      const body = file.slice(told.offset, told.offset + part.piece);
      const headers = { 'Content-Type': 'application/octet-stream', 'Upload-Offset': told.offset };
      told = await read(await ask(part.address, 'PATCH', { body, headers, signal: upload.stop.signal }));
      if (told.code === 'PartUnknown') return sendOnce(upload); // forgotten meanwhile
    }
    return finish(upload, told);
  }

  async function send(upload) {
    upload.state = 'sending';
    try {
      upload.described ??= await describe(upload.file);
    } catch (fault) { // the file is gone, or cannot be read
      return refuse(upload, fault.message);
    }
    for (let pauses = 0; upload.state === 'sending'; pauses += 1) {
      const before = upload.offset;
      try {
        return await sendOnce(upload);
      } catch (fault) {
        if (upload.stop.signal.aborted) return;
        if (fault.refused) return refuse(upload, fault.message);
        show(upload, fault.away ?? texts.paused);
      }
      if (upload.offset > before) pauses = 0; // it moves, however slowly
      await new Promise((wake) => {
        setTimeout(wake, PAUSES[Math.min(pauses, PAUSES.length - 1)]);
        window.addEventListener('online', wake, { once: true });
        document.addEventListener('visibilitychange', wake, { once: true });
        upload.stop.signal.addEventListener('abort', wake, { once: true });
      });
    }
  }

  // ---- all of them ----
  function next() {
    const sending = [...uploads].filter((upload) => upload.state === 'sending').length;
    const waiting = [...uploads].filter((upload) => upload.state === 'waiting');
    for (const upload of waiting.slice(0, AT_ONCE - sending)) send(upload).finally(next);
    if (asked === null || sending + waiting.length) return;
    const { button, place } = asked;
    asked = null;
    if (uploads.size) {
      say(place, texts.refused);
      [...uploads][0].line.querySelector('[data-cancel]').focus();
    } else form.requestSubmit(button);
  }

  function add(place, file, name = file.name) {
    const most = Number(place.dataset.most);
    const kept = rows(place).querySelectorAll('input[type=checkbox]:not(:checked)').length;
    const coming = [...uploads].filter((upload) => upload.place === place && upload.state !== 'refused').length;
    if (most > 1 ? kept + coming >= most : coming >= 1) {
      say(place, fill(texts.most, { count: most, name }));
      return;
    }
    const line = model.content.firstElementChild.cloneNode(true);
    for (const each of line.querySelectorAll('[data-name]')) each.textContent = each.matches('.unseen') ? ` ${name}` : name;
    line.querySelector('progress').setAttribute('aria-label', fill(texts.progress, { name }));
    const upload = { place, file, name, line, offset: 0, state: 'waiting', stop: new AbortController() };
    line.querySelector('[data-cancel]').addEventListener('click', () => cancel(upload));
    lines(place).append(line);
    lines(place).hidden = false;
    uploads.add(upload);
    show(upload, texts.waiting);
    say(place, '');
    next();
  }

  function cancel(upload) {
    upload.state = 'over';
    upload.stop.abort();
    if (upload.address) forget(upload.address);
    say(upload.place, fill(texts.cancelled, { name: upload.name }));
    end(upload);
  }

  // Should this not arrive, what has come is forgotten after some days.
  const forget = (address) => fetch(address, { method: 'DELETE', headers: { 'X-CSRFToken': readToken() } }).catch(() => {});

  for (const place of places) {
    const input = place.querySelector('input[type=file]');
    for (const each of place.querySelectorAll('[data-script]')) each.hidden = false;
    for (const button of place.querySelectorAll('[data-part] [data-cancel]')) { // begun before the page was loaded
      button.addEventListener('click', () => {
        const line = button.closest('[data-part]');
        forget(line.dataset.address);
        say(place, fill(texts.cancelled, { name: line.querySelector('[data-name]').textContent }));
        line.remove();
        lines(place).hidden = !lines(place).childElementCount;
        input.focus();
      });
    }
    input.addEventListener('change', () => {
      const files = [...input.files];
      input.value = ''; // they do not go with the form too
      for (const file of files) add(place, file);
    });
    place.addEventListener('drop', (event) => {
      for (const file of event.dataTransfer.files) add(place, file);
    });
  }

  // A file that misses its place does not take the page away.
  const mark = (target) => places.forEach((place) => place.classList.toggle('over', place === target));
  for (const kind of ['dragover', 'drop']) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      const place = event.target.closest?.('[data-upload]') ?? null;
      if (kind === 'dragover') event.dataTransfer.dropEffect = place ? 'copy' : 'none';
      mark(kind === 'dragover' ? place : null);
    });
  }
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(null);
  });

  // What is pasted goes to the place that has the focus or the pointer, else to the only one there is; text stays text.
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const writing = document.activeElement?.matches('textarea, input:not([type=file])') && event.clipboardData.types.includes('text/plain');
    const near = [document.activeElement, ...document.querySelectorAll(':hover')].map((each) => each?.closest('fieldset')?.querySelector('[data-upload]'));
    const place = near.find((each) => places.includes(each)) ?? (places.length === 1 ? places[0] : undefined);
    if (!files.length || writing || !place) return;
    event.preventDefault();
    for (const file of files) {
      const moment = new Date(Date.now() - 60000 * new Date().getTimezoneOffset()).toISOString();
      const ending = file.name.includes('.') ? file.name.slice(file.name.lastIndexOf('.')) : '';
      const given = /^image\.\w+$/.test(file.name) ? `${texts.paste} ${moment.slice(0, 10)} ${moment.slice(11, 19).replaceAll(':', '.')}${ending}` : file.name;
      add(place, file, given);
    }
  });

  // The form waits for its files.
  form.addEventListener('submit', (event) => {
    const pending = [...uploads];
    if (!pending.length) return;
    event.preventDefault();
    asked = { button: event.submitter, place: pending[0].place };
    say(asked.place, texts.first);
    next();
  });
  window.addEventListener('beforeunload', (event) => {
    if ([...uploads].some((upload) => upload.state !== 'refused')) event.preventDefault();
  });
}
