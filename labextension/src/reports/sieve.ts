/* The search and the filter over a drawn report. It only ever hides rows, and says how many of what keeps the gate shut it hides. */
import { verdictMark } from '../state/words';
import { el } from './dom';
import type { IWords } from './headline';

const ROW = 'details.jp-mlgov-report-row';
const GROUP = 'details.jp-mlgov-report-group';

/** A line with a search box and a button a verdict, over the rows of `report`. */
export function sieve(
  report: HTMLElement,
  verdicts: readonly string[],
  blocking: readonly string[],
  words: IWords
): HTMLElement {
  const chosen = new Set<string>();
  const box = el('input', 'jp-mlgov-sieve-box');
  box.type = 'search';
  box.placeholder = words('Search the checks');
  box.setAttribute('aria-label', words('Search the checks'));
  const state = el('span', 'jp-mlgov-soft');
  state.setAttribute('role', 'status');
  const sift = () => {
    state.textContent = sifted(report, box.value, chosen, blocking, words);
  };
  box.addEventListener('input', sift);
  // A key here is a letter of the search, never a command of the notebook around it.
  box.addEventListener('keydown', event => {
    event.stopPropagation();
    if (event.key === 'Escape') {
      box.value = '';
      sift();
    }
  });
  const buttons = verdicts.map(verdict => {
    const { mark, word, role } = verdictMark(verdict, { __: words });
    const sign = el('span', `jp-mlgov-mod-${role}`, mark);
    const button = el('button', 'jp-mlgov-sieve-verdict', sign, ` ${word}`);
    button.type = 'button';
    button.dataset.verdict = verdict;
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      if (!chosen.delete(verdict)) {
        chosen.add(verdict);
      }
      button.setAttribute('aria-pressed', String(chosen.has(verdict)));
      sift();
    });
    return button;
  });
  const line = el('div', 'jp-mlgov-sieve', box, ...buttons, state);
  line.setAttribute('role', 'search');
  return line;
}

/** Hide what does not fit, open the folds of what does, and say what is left. */
function sifted(
  report: HTMLElement,
  wanted: string,
  chosen: ReadonlySet<string>,
  blocking: readonly string[],
  words: IWords
): string {
  const terms = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const active = terms.length > 0 || chosen.size > 0;
  const rows = Array.from(report.querySelectorAll<HTMLElement>(ROW));
  for (const row of rows) {
    const text = (row.textContent ?? '').toLowerCase();
    const fits =
      (!chosen.size || chosen.has(row.dataset.verdict ?? '')) &&
      terms.every(term => text.includes(term));
    row.hidden = !fits;
  }
  const folds = report.querySelectorAll<HTMLDetailsElement>(GROUP);
  for (const fold of Array.from(folds)) {
    const inside = Array.from(fold.querySelectorAll<HTMLElement>(ROW));
    fold.hidden = active && !inside.some(row => !row.hidden);
    fold.open = active && !fold.hidden;
  }
  if (!active) {
    return '';
  }
  const shown = rows.filter(row => !row.hidden).length;
  const lost = rows.filter(
    row => row.hidden && blocking.includes(row.dataset.validator ?? '')
  ).length;
  const said = words('%1 of %2 checks shown', shown, rows.length);
  return lost
    ? `${said}; ${words('%1 hidden ones keep the gate shut', lost)}`
    : said;
}
