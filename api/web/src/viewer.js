// Read-only diagrams: <div class="diagram" data-xml="address" data-done="id id" data-now="id" data-lang="zh-CN">.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { translateModule } from './translate.js';
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';

const ids = (text) => (text ?? '').split(' ').filter(Boolean);

async function show(frame) {
  const viewer = new NavigatedViewer({
    container: frame,
    additionalModules: [translateModule(frame.dataset.lang !== 'en')]
  });
  const answer = await fetch(frame.dataset.xml, { headers: { Accept: 'application/xml' } });
  if (!answer.ok) throw new Error(`${answer.status} ${frame.dataset.xml}`);
  await viewer.importXML(await answer.text());
  const canvas = viewer.get('canvas');
  const elements = viewer.get('elementRegistry');
  for (const mark of ['done', 'now']) {
    for (const id of ids(frame.dataset[mark])) {
      if (elements.get(id)) canvas.addMarker(id, mark);
    }
  }
  // As high as the drawing needs at this width, within bounds.
  const { width, height } = canvas.viewbox().inner;
  frame.style.height = `${Math.min(Math.max((frame.clientWidth * height) / width + 60, 240), 620)}px`;
  canvas.resized();
  canvas.zoom('fit-viewport', 'auto');
  frame.dataset.shown = 'yes';

  // The buttons beside the drawing: larger, smaller, whole, and "where it stands".
  for (const button of document.querySelectorAll(`[data-diagram="${frame.id}"]`)) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const step = { larger: 1.25, smaller: 0.8 }[button.dataset.zoom];
      if (step) canvas.zoom(canvas.zoom() * step);
      else if (button.dataset.zoom === 'whole') canvas.zoom('fit-viewport', 'auto');
      else focusOn(canvas, elements, ids(frame.dataset.now));
    });
  }
}

function focusOn(canvas, elements, now) {
  const present = now.map((id) => elements.get(id)).filter(Boolean);
  if (!present.length) return;
  canvas.zoom(1);
  canvas.scrollToElement(present[0], 80);
}

for (const frame of document.querySelectorAll('.diagram[data-xml]')) {
  show(frame).catch((fault) => {
    frame.textContent = frame.dataset.failed;
    frame.dataset.shown = 'no';
    console.error(fault);
  });
}
