// Asks the server's check and draws what it found on the elements.

// The answer is the same list that the page prints without JavaScript: <ul id="findings"> with data-element on each entry.
// A drawing of its own is sent along; one that is kept as a draft (data-stored) was saved before, and its whole notice is checked.
export async function checkOnServer(modeler, page) {
  const list = document.getElementById('findings');
  const status = document.getElementById('check_status');
  if (page.dataset.checking) status.textContent = page.dataset.checking;
  const headers = { Accept: 'application/json' };
  let answer;
  if (page.dataset.stored) {
    answer = await fetch(page.dataset.check, { headers });
  } else {
    const { xml } = await modeler.saveXML({ format: true });
    const token = document.querySelector('meta[name=csrf-token]').content;
    const sent = { ...headers, 'Content-Type': 'application/xml', 'X-CSRFToken': token };
    answer = await fetch(page.dataset.check, { method: 'POST', headers: sent, body: xml });
  }
  if (!answer.headers.get('Content-Type')?.includes('json')) {
    status.textContent = page.dataset.checkFailed;
    return;
  }
  const { message, findings = [] } = await answer.json();
  status.textContent = message;
  list.replaceChildren(...findings.map((found) => asEntry(found, page.dataset.path)));
  drawFindings(modeler, list.querySelectorAll('[data-element]'));
}

function asEntry({ element, severity, label, text, path, address }, here) {
  const entry = document.createElement('li');
  entry.className = `finding ${severity}`;
  const mark = document.createElement('strong');
  mark.textContent = label;
  const drawn = element && (here === undefined || path?.startsWith(here)); // on this canvas, not in another file
  const where = document.createElement(drawn || address ? 'a' : 'span');
  where.textContent = drawn ? element : [element, path].filter(Boolean).join(' ');
  if (drawn) {
    where.href = '#canvas';
    where.dataset.element = element;
    where.dataset.severity = severity;
    where.dataset.text = text;
  } else if (address) where.href = address;
  entry.append(mark, ' ', where, where.textContent ? ' ' : '', text);
  return entry;
}

export function drawFindings(modeler, entries) {
  const overlays = modeler.get('overlays');
  const elements = modeler.get('elementRegistry');
  overlays.remove({ type: 'server' });
  for (const { dataset } of entries) {
    if (!elements.get(dataset.element)) continue;
    const mark = document.createElement('span');
    mark.className = `server-finding ${dataset.severity}`;
    mark.textContent = '!';
    mark.title = dataset.text;
    overlays.add(dataset.element, 'server', { position: { top: -12, right: 12 }, scale: { min: 1 }, html: mark });
  }
}
