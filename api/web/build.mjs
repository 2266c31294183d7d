// Builds api/static/dist from src/: `npm ci --ignore-scripts && node build.mjs`, run inside api/web.
import * as esbuild from 'esbuild';
import fs from 'node:fs';
import { createRequire } from 'node:module';

const OUTPUT = '../static/dist';

// bpmnlint rules are loaded by name; its own compiler turns .bpmnlintrc into a module of static imports.
const compileConfig = createRequire(import.meta.url)('bpmnlint/lib/support/compile-config.js');
const lintConfig = {
  name: 'lint-config',
  setup(build) {
    build.onResolve({ filter: /^virtual:lint-config$/ }, ({ path }) => ({ path, namespace: 'lint' }));
    build.onLoad({ filter: /./, namespace: 'lint' }, async () => ({
      contents: await compileConfig(JSON.parse(fs.readFileSync('.bpmnlintrc', 'utf8'))),
      loader: 'js',
      resolveDir: process.cwd() // so that "bpmnlint/rules/…" is found in node_modules
    }));
  }
};

fs.rmSync(OUTPUT, { recursive: true, force: true });
const result = await esbuild.build({
  entryPoints: ['src/page.js', 'src/viewer.js', 'src/designer.js', 'src/charts.js'],
  outdir: OUTPUT,
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['style'], // packages that export their CSS under "style"
  loader: { '.woff': 'file', '.woff2': 'file', '.ttf': 'file', '.eot': 'file', '.svg': 'file' },
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // the licences of all bundled packages are gathered below, whole
  metafile: true, // the size test reads it
  plugins: [lintConfig]
});
fs.writeFileSync(`${OUTPUT}/meta.json`, JSON.stringify(result.metafile));
fs.copyFileSync('node_modules/htmx.org/dist/htmx.min.js', `${OUTPUT}/htmx.min.js`);

// Licence texts of every package that is in a bundle, in one file that the page of third-party notices links.
const packages = new Set(['htmx.org']);
for (const input of Object.keys(result.metafile.inputs)) {
  const name = input.match(/^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
  if (name) packages.add(name);
}
const notices = [...packages].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const about = JSON.parse(fs.readFileSync(`${folder}/package.json`, 'utf8'));
  const file = fs.readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const licence = file ? fs.readFileSync(`${folder}/${file}`, 'utf8').trim() : 'The package names its licence above and carries no text of it.';
  return `${name} ${about.version} (${about.license})\n\n${licence}\n`;
});
fs.writeFileSync(`${OUTPUT}/licences.txt`, notices.join(`\n${'='.repeat(80)}\n\n`));
