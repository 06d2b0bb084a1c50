/* Rates of groups with their intervals on one common scale, and the line they are held against. */
import type { IEstimate, IFinding } from '../api/types';
import { svg } from './dom';

const WIDTH = 660;
const LEFT = 170;
const RIGHT = 640;
const ROW = 24;
const TOP = 24;
const MOST = 40;

/** The plot of a finding's estimates, or null where none has a value. */
export function plot(finding: IFinding): SVGElement | null {
  const drawn = finding.estimates.filter(isDrawable).slice(0, MOST);
  if (!drawn.length) {
    return null;
  }
  const scale = new Scale(valuesOf(drawn, finding.reference));
  const foot = TOP + drawn.length * ROW;
  const root = svg('svg', {
    class: 'jp-mlgov-plot',
    viewBox: `0 0 ${WIDTH} ${foot + 22}`,
    role: 'img',
    'aria-label': spoken(drawn, finding)
  });
  root.append(...axis(scale, foot));
  root.append(...reference(finding, scale, foot));
  drawn.forEach((estimate, index) => {
    const under =
      finding.reference !== null &&
      (estimate.value as number) < finding.reference;
    root.append(...row(estimate, TOP + index * ROW + 10, scale, under));
  });
  return root;
}

/** The finding in words, for who cannot see the plot. */
function spoken(drawn: readonly IEstimate[], finding: IFinding): string {
  const rates = drawn.map(
    item => `${item.label}: ${rateWords(item)} (${item.k} of ${item.n})`
  );
  return [...rates, finding.reference_label].filter(Boolean).join('; ');
}

/** `70.8 % (65.4–75.6)`. */
export function rateWords(estimate: IEstimate): string {
  if (estimate.value === null) {
    return 'not defined';
  }
  const rate = `${percent(estimate.value)} %`;
  return estimate.interval
    ? `${rate} (${percent(estimate.interval[0])}–${percent(estimate.interval[1])})`
    : rate;
}

function percent(value: number): string {
  return (value * 100).toFixed(1);
}

function isDrawable(estimate: IEstimate): boolean {
  return typeof estimate.value === 'number' && Number.isFinite(estimate.value);
}

function valuesOf(drawn: readonly IEstimate[], limit: number | null): number[] {
  const values = drawn.flatMap(item => [
    item.value as number,
    ...(item.interval ?? [])
  ]);
  return [...values, ...(limit === null ? [] : [limit])].filter(
    Number.isFinite
  );
}

/** Maps a rate to x, over whole tens (or fives) of percent that hold all values. */
class Scale {
  readonly ticks: number[] = [];

  constructor(values: readonly number[]) {
    const least = Math.min(...values) * 100;
    const most = Math.max(...values) * 100;
    const step = most - least > 60 ? 20 : most - least > 18 ? 10 : 5;
    const from = Math.floor(least / step) * step;
    const to = Math.max(Math.ceil(most / step) * step, from + step);
    for (let tick = from; tick <= to; tick += step) {
      this.ticks.push(tick / 100);
    }
  }

  x(value: number): number {
    const [from, to] = [this.ticks[0], this.ticks[this.ticks.length - 1]];
    const at = LEFT + ((value - from) / (to - from)) * (RIGHT - LEFT);
    return Math.round(at * 10) / 10;
  }
}

function axis(scale: Scale, foot: number): SVGElement[] {
  const line = { class: 'line', x1: LEFT, x2: RIGHT, y1: foot, y2: foot };
  const ticks = scale.ticks.map(tick =>
    svg(
      'text',
      {
        class: 'axis',
        x: scale.x(tick),
        y: foot + 16,
        'text-anchor': 'middle'
      },
      `${Math.round(tick * 100)} %`
    )
  );
  return [svg('line', line), ...ticks];
}

function reference(
  finding: IFinding,
  scale: Scale,
  foot: number
): SVGElement[] {
  const limit = finding.reference;
  if (limit === null || !Number.isFinite(limit)) {
    return [];
  }
  const x = scale.x(limit);
  const left = x > (LEFT + RIGHT) / 2;
  return [
    svg('line', { class: 'limit', x1: x, x2: x, y1: 4, y2: foot }),
    svg(
      'text',
      {
        class: 'limit',
        x: left ? x - 6 : x + 6,
        y: 13,
        'text-anchor': left ? 'end' : 'start'
      },
      finding.reference_label || `${percent(limit)} %`
    )
  ];
}

function row(
  estimate: IEstimate,
  y: number,
  scale: Scale,
  under: boolean
): SVGElement[] {
  const side = under ? 'group under' : 'group';
  const [low, high] = estimate.interval ?? [estimate.value, estimate.value];
  const from = scale.x(low as number);
  const to = scale.x(high as number);
  const roomRight = WIDTH - to > 130;
  const [k, n] = [estimate.k, estimate.n].map(it => it.toLocaleString('en'));
  const name = `${estimate.label} (${k} of ${n})`;
  return [
    label(name, y),
    svg('line', { class: side, x1: from, x2: to, y1: y, y2: y }),
    svg('circle', {
      class: side,
      cx: scale.x(estimate.value as number),
      cy: y,
      r: 4.5
    }),
    svg(
      'text',
      {
        x: roomRight ? to + 8 : from - 8,
        y: y + 4,
        'text-anchor': roomRight ? 'start' : 'end'
      },
      rateWords(estimate)
    )
  ];
}

/** A group's name, cut to the room there is; the whole of it on hover. */
function label(name: string, y: number): SVGElement {
  const short = name.length > 28 ? `${name.slice(0, 27)}…` : name;
  const node = svg('text', { x: 0, y: y + 4 }, short);
  node.append(svg('title', {}, name));
  return node;
}
