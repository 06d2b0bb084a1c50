/* Draws a report into a node: what failed is open, the rest is folded with counts. Text nodes only. */
import type {
  ICheckResult,
  IFinding,
  IReportJson,
  Severity
} from '../api/types';
import { SEVERITIES, VERDICTS } from '../api/types';
import { verdictMark } from '../state/words';
import { asObject, IBundle, IContext, readBundle } from './bundle';
import { figure } from './curves';
import { el, said } from './dom';
import { headline, IHeadline, IWords } from './headline';
import { plot } from './plot';
import { sieve } from './sieve';

/** Verdicts that stand open; each other verdict is one folded row. */
const OPEN = new Set(['fail', 'error', 'inconclusive']);

/** Draw `report` into `node`. What is no report is said, with the keys that came. */
export function drawReport(
  node: HTMLElement,
  data: unknown,
  words: IWords
): void {
  const bundle = readBundle(data);
  if (!bundle) {
    node.replaceChildren(unreadable(data, words));
    return;
  }
  const { report, context } = bundle;
  node.replaceChildren(
    head(bundle, headline(data, bundle, words), words),
    tally(report, words),
    ...staleNotes(context, words),
    ...waivedNotes(context, words),
    ...sieveOf(node, report, words),
    ...rows(report, words),
    ...unchecked(report, words)
  );
}

/** Two checks are seen at once; more are searched. */
function sieveOf(
  node: HTMLElement,
  report: IReportJson,
  words: IWords
): HTMLElement[] {
  const verdicts = Object.keys(report.counts ?? {});
  return report.results.length > 2
    ? [sieve(node, verdicts, report.blocking, words)]
    : [];
}

function unreadable(data: unknown, words: IWords): HTMLElement {
  const keys = Object.keys(asObject(data)).slice(0, 20).join(', ');
  return el(
    'p',
    'jp-mlgov-report-note jp-mlgov-mod-fail',
    words(
      'This report cannot be drawn. Expected the fields of docs/formats/report.md; got: %1.',
      keys || words('nothing')
    )
  );
}

const GOOD = new Set(['MAY GO', 'CHECKS CLEAR']);

function head(bundle: IBundle, line: IHeadline, words: IWords): HTMLElement {
  const { report, context } = bundle;
  const good = [...GOOD, words('CHECKS CLEAR')].includes(line.standing);
  const role = good ? 'pass' : 'fail';
  const digest = el(
    'code',
    '',
    words('report %1', `${report.digest.slice(0, 13)}…`)
  );
  digest.title = report.digest;
  const meta = el('span', 'jp-mlgov-report-meta');
  meta.append(...(context.made ? [`${utc(context.made)} · `] : []), digest);
  return el(
    'header',
    'jp-mlgov-report-head',
    el('h3', '', line.title),
    el(
      'span',
      `jp-mlgov-report-state jp-mlgov-mod-${role}`,
      el('b', '', line.standing),
      line.detail ? ` — ${line.detail}` : ''
    ),
    meta
  );
}

/** `14:02 UTC` of an RFC 3339 time in UTC. */
function utc(text: string): string {
  const found = /T(\d\d:\d\d)/.exec(text);
  return found ? `${found[1]} UTC` : text;
}

function tally(report: IReportJson, words: IWords): HTMLElement {
  const line = el('div', 'jp-mlgov-tally');
  for (const [verdict, count] of Object.entries(report.counts ?? {})) {
    const { mark, word, role } = verdictMark(verdict, { __: words });
    const strong = el('b', '', `${mark} ${count}`);
    line.append(el('span', `jp-mlgov-mod-${role}`, strong, ` ${word}`));
  }
  const open = openControls(report).length;
  if (open) {
    const strong = el('b', '', `○ ${open}`);
    line.append(
      el(
        'span',
        'jp-mlgov-mod-mute',
        strong,
        ` ${words('controls not checked here')}`
      )
    );
  }
  const packs = report.policies.map(item => item.title || item.id).join(' · ');
  line.append(el('span', 'jp-mlgov-report-packs', packs));
  return line;
}

function staleNotes(context: IContext, words: IWords): HTMLElement[] {
  return context.stale.map(reason =>
    el(
      'p',
      'jp-mlgov-report-note jp-mlgov-mod-warn',
      '↻ ',
      words('These verdicts are stale:'),
      ' ',
      said(reason)
    )
  );
}

/** The verdict stays what it is; the gate does not count it, and everybody who reads it sees why. */
function waivedNotes(context: IContext, words: IWords): HTMLElement[] {
  return context.waived.map(sentence =>
    el(
      'p',
      'jp-mlgov-report-note',
      '⏲ ',
      words('Waived; the verdict stays, and the gate does not count it:'),
      ' ',
      said(sentence)
    )
  );
}

function rows(report: IReportJson, words: IWords): HTMLElement[] {
  const ordered = [...report.results].sort(
    (one, other) => weight(report, one) - weight(report, other)
  );
  const open = ordered.filter(item => OPEN.has(item.verdict));
  const folded = ordered.filter(item => !OPEN.has(item.verdict));
  const kinds = [...new Set(folded.map(item => item.verdict))];
  return [
    ...open.map(item => result(report, item, words, isShut(report, item))),
    ...kinds.map(kind =>
      group(
        report,
        folded.filter(item => item.verdict === kind),
        words
      )
    )
  ];
}

function isShut(report: IReportJson, item: ICheckResult): boolean {
  return item.verdict === 'fail' || report.blocking.includes(item.validator);
}

/** Reading order: what keeps shut by severity, then verdict; what opens by verdict, then severity. */
function weight(report: IReportJson, item: ICheckResult): number {
  const rank = VERDICTS[item.verdict]?.rank ?? 0;
  const grave = SEVERITIES.indexOf(severity(report, item.validator) || 'low');
  return OPEN.has(item.verdict) ? grave * 10 + rank : 100 + rank * 10 + grave;
}

/** The gravest severity that any control gives a validator; '' where none asks for it. */
function severity(report: IReportJson, validator: string): Severity | '' {
  const asked = report.requirements
    .filter(item => item.validator === validator)
    .map(item => item.severity);
  return SEVERITIES.find(item => asked.includes(item)) ?? '';
}

/** One folded row for several results of one verdict: `19 passed`. */
function group(
  report: IReportJson,
  results: readonly ICheckResult[],
  words: IWords
): HTMLElement {
  const { mark, word, role } = verdictMark(results[0].verdict, { __: words });
  const fold = el('details', 'jp-mlgov-report-group');
  fold.append(
    el(
      'summary',
      '',
      el('span', `jp-mlgov-mark jp-mlgov-mod-${role}`, mark),
      el('span', 'jp-mlgov-soft', ''),
      el('span', '', `${results.length} ${word}`)
    ),
    ...results.map(item => result(report, item, words, false))
  );
  return fold;
}

function result(
  report: IReportJson,
  item: ICheckResult,
  words: IWords,
  open: boolean
): HTMLElement {
  const { mark, word, role } = verdictMark(item.verdict, { __: words });
  const sign = el('span', `jp-mlgov-mark jp-mlgov-mod-${role}`, mark);
  sign.title = word;
  const fold = el('details', 'jp-mlgov-report-row');
  fold.open = open;
  fold.dataset.verdict = item.verdict;
  fold.dataset.validator = item.validator;
  fold.append(
    el(
      'summary',
      '',
      sign,
      el('span', 'jp-mlgov-soft', severity(report, item.validator)),
      el('span', '', el('strong', '', said(item.title)), ...lead(item, words)),
      el('code', '', item.validator)
    ),
    body(report, item, words)
  );
  return fold;
}

/** Verdict in words and the summary, behind the title. */
function lead(item: ICheckResult, words: IWords): (Node | string)[] {
  const { word, role } = verdictMark(item.verdict, { __: words });
  const told = el('span', `jp-mlgov-mod-${role}`, word);
  return [' — ', told, ...(item.summary ? [': ', said(item.summary)] : [])];
}

/** What lies under the row of one validator: plots, findings, fix, source, evidence. Null where the report has no such result. */
export function details(
  report: IReportJson,
  validator: string,
  words: IWords
): HTMLElement | null {
  const item = report.results.find(one => one.validator === validator);
  return item ? body(report, item, words) : null;
}

function body(
  report: IReportJson,
  item: ICheckResult,
  words: IWords
): HTMLElement {
  const node = el('div', 'jp-mlgov-report-body');
  for (const one of item.findings) {
    node.append(finding(one, item, words));
  }
  if (item.fix) {
    node.append(el('div', 'jp-mlgov-fix', said(item.fix)));
  }
  node.append(source(report, item, words));
  return node;
}

function finding(
  one: IFinding,
  item: ICheckResult,
  words: IWords
): HTMLElement {
  const { mark, role } = verdictMark(one.verdict);
  const node = el('div', 'jp-mlgov-report-finding');
  const drawn = [figure(one, words), plot(one)];
  node.append(...drawn.filter(drawing => drawing !== null));
  const where = one.where ? [' ', el('code', '', one.where)] : [];
  // A single finding often is the summary above it: say it once.
  if (one.message !== item.summary) {
    const sign = el('span', `jp-mlgov-mod-${role}`, `${mark} `);
    node.append(el('p', '', sign, said(one.message), ...where));
  }
  const numbers = measured(one, words);
  if (numbers) {
    node.append(el('p', 'jp-mlgov-soft', numbers));
  }
  if (one.fix && one.fix !== item.fix) {
    node.append(el('div', 'jp-mlgov-fix', said(one.fix)));
  }
  return node;
}

/** `measured 0.779 (95 % 0.72–0.84) · allowed at least 0.80 · n 1,989`. An undefined measure is said to be so. */
export function measured(one: IFinding, words: IWords): string {
  const parts: string[] = [];
  if (one.measured !== null) {
    const interval = one.interval
      ? ` (${Math.round(one.confidence * 100)} % ${short(one.interval[0])}–${short(one.interval[1])})`
      : '';
    parts.push(words('measured %1', short(one.measured) + interval));
  } else if (
    one.allowed &&
    one.verdict === 'inconclusive' &&
    !asObject(one.details).kept_back
  ) {
    parts.push(words('not defined'));
  }
  if (one.allowed) {
    parts.push(words('allowed: %1', one.allowed));
  }
  if (one.n !== null) {
    parts.push(`n ${one.n.toLocaleString('en')}`);
  }
  return parts.join(' · ');
}

function short(value: number): string {
  if (Number.isInteger(value)) {
    return String(value);
  }
  return Math.abs(value) >= 0.001
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(1);
}

function source(
  report: IReportJson,
  item: ICheckResult,
  words: IWords
): HTMLElement {
  const asked = report.requirements.filter(
    one => one.validator === item.validator
  );
  const parts: (Node | string)[] = [`${item.validator} ${item.version}`];
  const add = (...more: (Node | string)[]) => parts.push(' · ', ...more);
  if (item.cell) {
    add(words('cell'), ' ', cellLink(item.cell, words));
  }
  if (item.source) {
    add(item.source);
  }
  for (const one of asked) {
    add(`${words('control')} `, el('code', '', one.control), ` ${one.cite}`);
  }
  for (const digest of item.evidence) {
    const code = el('code', '', `${digest.slice(0, 13)}…`);
    code.title = digest;
    add(`${words('evidence')} `, code);
  }
  return el('p', 'jp-mlgov-report-source', ...parts);
}

/** Tells whoever holds the notebook to show a cell; a report alone knows of no notebook. */
function cellLink(cell: string, words: IWords): HTMLElement {
  const button = el('button', 'jp-mlgov-cell', cell);
  button.type = 'button';
  button.title = words('Show this cell');
  button.addEventListener('click', () =>
    button.dispatchEvent(
      new CustomEvent('mlgov:cell', { bubbles: true, detail: cell })
    )
  );
  return button;
}

/** Controls with a demand that nobody measured, one line a control as in the other surfaces. */
function openControls(report: IReportJson): IReportJson['requirements'] {
  const found = new Map(
    report.requirements
      .filter(item => item.verdict === null)
      .map(item => [`${item.policy} ${item.control}`, item])
  );
  return [...found.values()];
}

/** What nobody measured: listed, so that nobody takes them for passed. */
function unchecked(report: IReportJson, words: IWords): HTMLElement[] {
  const open = openControls(report);
  if (!open.length) {
    return [];
  }
  const fold = el('details', 'jp-mlgov-report-group');
  fold.append(
    el(
      'summary',
      '',
      el('span', 'jp-mlgov-mark jp-mlgov-mod-mute', '○'),
      el('span', 'jp-mlgov-soft', ''),
      el(
        'span',
        'jp-mlgov-mod-mute',
        words('%1 controls not checked here: open, not passed', open.length)
      )
    )
  );
  const list = el('ul', 'jp-mlgov-report-open');
  for (const item of open) {
    list.append(
      el(
        'li',
        '',
        el('code', '', item.control),
        ` ${item.cite} — ${item.obligation}`
      )
    );
  }
  fold.append(list);
  return [fold];
}
