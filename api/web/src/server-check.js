// Sends the drawing to the server's check and draws what it found on the elements.

// The answer is the same list that the page prints without JavaScript: <ul id="findings"> with data-element on each entry.
export async function checkOnServer(modeler, address) {
  const list = document.getElementById('findings');
  const status = document.getElementById('check_status');
  const { xml } = await modeler.saveXML({ format: true });
  const answer = await fetch(address, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/xml',
      Accept: 'application/json',
      'X-CSRFToken': document.querySelector('meta[name=csrf-token]').content
    },
    body: xml
  });
  if (!answer.headers.get('Content-Type')?.includes('json')) {
    status.textContent = document.getElementById('designer').dataset.checkFailed;
    return;
  }
  const { message, findings = [] } = await answer.json();
  status.textContent = message;
  list.replaceChildren(...findings.map(asEntry));
  drawFindings(modeler, list.querySelectorAll('[data-element]'));
}

function asEntry({ element, severity, label, text }) {
  const entry = document.createElement('li');
  entry.className = `finding ${severity}`;
  const mark = document.createElement('strong');
  mark.textContent = label;
  const where = document.createElement(element ? 'a' : 'span');
  if (element) {
    where.href = '#canvas';
    where.dataset.element = element;
    where.dataset.severity = severity;
    where.dataset.text = text;
    where.textContent = element;
  }
  entry.append(mark, ' ', where, element ? ' ' : '', text);
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
