// Draws a chart beside each table of a board, out of the table itself: without this script the tables say all of it.
import * as echarts from 'echarts/core';
import { BarChart, LineChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

echarts.use([AriaComponent, BarChart, GridComponent, LegendComponent, LineChart, SVGRenderer, TooltipComponent]);

const TEXT = 0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize); // pixels, larger in large type
const LINE_HEIGHT = 2.8 * TEXT; // of one category where categories stand below each other
const ROOM = 7.5 * TEXT; // for axis and legend

function readTable(table) {
  const rows = [...table.tBodies[0].rows];
  const marked = [...(rows[0]?.cells ?? [])].map((cell) => cell.dataset.skip !== undefined);
  const columns = [...table.tHead.rows[0].cells].map((cell, place) => ({ name: cell.textContent.trim(), place }));
  const numeric = ({ place }) => place > 0 && !marked[place] && rows.every((row) => /^(\d+|–)$/.test(row.cells[place].textContent.trim()));
  const label = (cell) => (cell.querySelector('a') ?? cell).firstChild.textContent.trim();
  return {
    categories: rows.map((row) => label(row.cells[0])),
    series: columns.filter(numeric).map(({ name, place }) => ({
      name,
      data: rows.map((row) => {
        const text = row.cells[place].textContent.trim();
        return text === '–' ? null : Number(text);
      })
    }))
  };
}

function describe(kind, { categories, series }) {
  const across = kind === 'line';
  const names = { type: 'category', data: categories, inverse: !across, axisLabel: { fontSize: TEXT, ...(across ? {} : { width: 9 * TEXT, overflow: 'truncate' }) } };
  const values = { type: 'value', minInterval: 1, splitNumber: 4, axisLabel: { fontSize: TEXT, hideOverlap: true } };
  return {
    aria: { enabled: true, decal: { show: true } }, // patterns, not colour alone
    animation: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    tooltip: { trigger: 'axis', renderMode: 'richText' }, // no HTML of its own: style attributes are not allowed here
    legend: series.length > 1 ? { top: 0, type: 'plain', textStyle: { fontSize: TEXT } } : undefined,
    grid: { left: 8, right: 24, top: series.length > 1 ? 4.7 * TEXT : 16, bottom: 8, containLabel: true },
    xAxis: across ? names : values,
    yAxis: across ? values : names,
    series: series.map((each) => ({ ...each, type: across ? 'line' : 'bar', stack: kind === 'stack' ? 'all' : undefined, barMaxWidth: 1.8 * TEXT }))
  };
}

for (const place of document.querySelectorAll('[data-chart]')) {
  const table = document.getElementById(place.dataset.table);
  const read = table && readTable(table);
  if (!read || !read.categories.length || !read.series.length) continue;
  const kind = place.dataset.chart;
  const rows = kind === 'line' ? 6 : read.categories.length * (kind === 'rows' ? 1.6 : 1);
  place.hidden = false;
  place.setAttribute('aria-hidden', 'true'); // the table beside it says the same
  const chart = echarts.init(place, null, { renderer: 'svg', height: Math.max(rows * LINE_HEIGHT, 120) + ROOM });
  chart.setOption(describe(kind, read));
  new ResizeObserver(() => {
    if (matchMedia('print').matches) return; // paper shows what the screen shows, made to fit
    chart.resize({ width: place.clientWidth });
    place.querySelector('svg').setAttribute('viewBox', `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  }).observe(place);
}
