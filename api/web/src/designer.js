// The designer's page: bpmn-js with the Camunda 7 properties panel. It shows and checks; a draft (data-save) it also keeps.
import Modeler from 'bpmn-js/lib/Modeler';
import {
  BpmnPropertiesPanelModule,
  BpmnPropertiesProviderModule,
  CamundaPlatformPropertiesProviderModule
} from 'bpmn-js-properties-panel';
import CamundaBehaviors from 'camunda-bpmn-js-behaviors/lib/camunda-platform';
import camundaModdle from 'camunda-bpmn-moddle/resources/camunda.json';
import lintModule from 'bpmn-js-bpmnlint';
import * as lintConfig from 'virtual:lint-config';
import { CreateAppendAnythingModule } from 'bpmn-js-create-append-anything';
import { keepDraft } from './autosave.js';
import { translateModule } from './translate.js';
import { checkOnServer, drawFindings } from './server-check.js';
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/bpmn-font/css/bpmn.css';
import '@bpmn-io/properties-panel/dist/assets/properties-panel.css';
import 'bpmn-js-bpmnlint/dist/assets/css/bpmn-js-bpmnlint.css';

const page = document.getElementById('designer'); // data-xml, data-lang, data-check, data-save

const modeler = new Modeler({
  container: '#canvas',
  propertiesPanel: { parent: '#panel' },
  linting: { bpmnlint: lintConfig, active: true },
  moddleExtensions: { camunda: camundaModdle },
  additionalModules: [
    translateModule(page.dataset.lang !== 'en'),
    BpmnPropertiesPanelModule,
    BpmnPropertiesProviderModule,
    CamundaPlatformPropertiesProviderModule,
    CamundaBehaviors,
    lintModule,
    CreateAppendAnythingModule
  ]
});

page.modeler = modeler;
const save = page.dataset.save ? keepDraft(modeler, page) : async () => true;

function show(id) {
  const element = modeler.get('elementRegistry').get(id);
  if (!element) return false;
  modeler.get('selection').select(element);
  modeler.get('canvas').scrollToElement(element, 80);
  return true;
}

async function check() {
  if (await save()) await checkOnServer(modeler, page);
}

async function open() {
  const source = document.getElementById('diagram_source');
  const xml = source?.value || (await (await fetch(page.dataset.xml)).text());
  await modeler.importXML(xml);
  const canvas = modeler.get('canvas');
  canvas.zoom('fit-viewport', 'auto');
  const { scale, y, height, inner } = canvas.viewbox();
  const palette = 130 / scale; // keep the drawing clear of the palette
  canvas.viewbox({ x: inner.x - palette, y, width: inner.width + palette + 40 / scale, height });
  drawFindings(modeler, document.querySelectorAll('#findings [data-element]'));
  if (location.hash) show(decodeURIComponent(location.hash.slice(1)));
  page.dataset.shown = 'yes';
  if (page.dataset.stored) check();
}

// A finding in the list leads to its element in the drawing.
document.getElementById('findings')?.addEventListener('click', (event) => {
  const link = event.target.closest('[data-element]');
  if (link && show(link.dataset.element)) event.preventDefault();
});

document.getElementById('check_drawing')?.addEventListener('click', check);

document.getElementById('download_drawing')?.addEventListener('click', async () => {
  const { xml } = await modeler.saveXML({ format: true });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([xml], { type: 'application/xml' }));
  link.download = `${page.dataset.name || 'diagram'}.bpmn`;
  link.click();
  URL.revokeObjectURL(link.href);
});

open().catch((fault) => {
  document.getElementById('canvas').textContent = page.dataset.failed;
  page.dataset.shown = 'no';
  console.error(fault);
});
