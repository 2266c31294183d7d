// One `translate` for canvas, properties panel and lint alike.
import canvas from 'bpmn-js-i18n/translations/zn.js'; // Chinese; the file really is called zn.js
import panel from '../i18n/zh-panel.js'; // our own entries; they win over zn.js

// Every text without a Chinese entry is collected in `window.missingTranslations`; a browser test asserts that it stays
// empty, so that a new release of a package fails loudly.
export function translateModule(chinese) {
  const words = chinese ? { ...canvas, ...panel } : {};
  const missing = (window.missingTranslations = new Set());
  function translate(template, values = {}) {
    if (chinese && !Object.hasOwn(words, template)) missing.add(template);
    return (words[template] ?? template).replace(/{([^}]+)}/g, (whole, key) => values[key] ?? whole);
  }
  return { translate: ['value', translate] };
}
