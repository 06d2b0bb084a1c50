/* What a finding holds besides its estimates: a curve of calibration or of discrimination, or the shares of bins before and now. */
import type { IFinding } from '../api/types';
import { asObject } from './bundle';
import { svg } from './dom';
import type { IWords } from './headline';

const SIDE = 200;
const EDGE = 44;
const FOOT = 36;
const LEFT = 170;
const WIDTH = 660;
const MOST = 24;

type Point = readonly [number, number];

/** The figure of a finding's details, or null where they hold none. */
export function figure(finding: IFinding, words: IWords): SVGElement | null {
  const { bins, roc, reference, current } = finding.details;
  const calibration = points(
    listOf(bins).map(one => asObject(one).predicted),
    listOf(bins).map(one => asObject(one).observed)
  );
  if (calibration) {
    return square(
      calibration,
      words('Calibration curve of %1 bins', calibration.length),
      [words('predicted'), words('happened')],
      true
    );
  }
  const rates = points(asObject(roc).fpr, asObject(roc).tpr);
  if (rates) {
    return square(
      rates,
      words('ROC curve of %1 points', rates.length),
      [words('false positives'), words('true positives')],
      false
    );
  }
  return shares(listOf(bins), reference, current, words);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Pairs of rates, or null where anything in them is none. */
function points(across: unknown, up: unknown): Point[] | null {
  const [xs, ys] = [listOf(across), listOf(up)];
  const rates = [...xs, ...ys].every(
    one => typeof one === 'number' && one >= 0 && one <= 1
  );
  if (!xs.length || xs.length !== ys.length || !rates) {
    return null;
  }
  return xs
    .map((x, place): Point => [x as number, ys[place] as number])
    .sort((one, other) => one[0] - other[0] || one[1] - other[1]);
}

/** Both rates on one scale; on the broken line they are the same. */
function square(
  curve: readonly Point[],
  spoken: string,
  names: [string, string],
  dots: boolean
): SVGElement {
  const most = Math.min(1, Math.ceil(Math.max(0.1, ...curve.flat()) * 5) / 5);
  const x = (value: number) => EDGE + (SIDE * value) / most;
  const y = (value: number) => 8 + SIDE * (1 - value / most);
  const root = svg('svg', {
    class: 'jp-mlgov-plot jp-mlgov-curve',
    viewBox: `0 0 ${EDGE + SIDE + 40} ${SIDE + FOOT + 8}`,
    role: 'img',
    'aria-label': spoken
  });
  const line = (from: Point, to: Point, style: string) =>
    svg('line', {
      class: style,
      x1: x(from[0]),
      y1: y(from[1]),
      x2: x(to[0]),
      y2: y(to[1])
    });
  const text = (words: string, left: number, top: number, anchor: string) =>
    svg(
      'text',
      { class: 'axis', x: left, y: top, 'text-anchor': anchor },
      words
    );
  root.append(
    line([0, 0], [most, 0], 'line'),
    line([0, 0], [0, most], 'line'),
    line([0, 0], [most, most], 'limit'),
    text('0', x(0), y(0) + 14, 'middle'),
    text(`${Math.round(most * 100)} %`, x(most), y(0) + 14, 'middle'),
    text(`${Math.round(most * 100)} %`, x(0) - 4, y(most) + 8, 'end'),
    text(names[0], x(most / 2), y(0) + 30, 'middle'),
    text(names[1], x(0) + 6, y(most) + 8, 'start')
  );
  for (let place = 1; place < curve.length; place++) {
    root.append(line(curve[place - 1], curve[place], 'group'));
  }
  for (const [left, up] of dots ? curve : []) {
    root.append(
      svg('circle', { class: 'group', cx: x(left), cy: y(up), r: 3.5 })
    );
  }
  return root;
}

/** Two bars a bin: the reference hollow, the present full. */
function shares(
  bins: readonly unknown[],
  reference: unknown,
  current: unknown,
  words: IWords
): SVGElement | null {
  const [before, now] = [shareOf(reference), shareOf(current)];
  if (
    !bins.length ||
    !(before.length === bins.length && now.length === bins.length)
  ) {
    return null;
  }
  const shown = bins.slice(0, MOST).map(String);
  const most = Math.max(...before, ...now) || 1;
  const root = svg('svg', {
    class: 'jp-mlgov-plot',
    viewBox: `0 0 ${WIDTH} ${24 + shown.length * 26}`,
    role: 'img',
    'aria-label': words('Shares of %1 bins, reference and now', bins.length)
  });
  root.append(
    svg(
      'text',
      { class: 'axis', x: LEFT, y: 12 },
      words('hollow: reference; full: now')
    )
  );
  shown.forEach((label, place) => {
    const top = 20 + place * 26;
    const width = (share: number) => (share / most) * (WIDTH - LEFT - 110);
    const short = label.length > 26 ? `${label.slice(0, 25)}…` : label;
    const bar = { x: LEFT, height: 8 };
    root.append(
      svg('text', { x: 0, y: top + 13 }, short),
      svg('rect', {
        ...bar,
        class: 'before',
        y: top,
        width: width(before[place])
      }),
      svg('rect', {
        ...bar,
        class: 'now',
        y: top + 10,
        width: width(now[place])
      }),
      svg(
        'text',
        { x: WIDTH, y: top + 13, 'text-anchor': 'end' },
        `${percent(before[place])} → ${percent(now[place])} %`
      )
    );
  });
  return root;
}

/** Counts as shares of their sum; none where any is no count. */
function shareOf(counts: unknown): number[] {
  const found = listOf(counts);
  const all = found.every(one => typeof one === 'number' && one >= 0);
  const numbers = all ? (found as number[]) : [];
  const sum = numbers.reduce((whole, one) => whole + one, 0);
  return sum > 0 && Number.isFinite(sum) ? numbers.map(one => one / sum) : [];
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}
