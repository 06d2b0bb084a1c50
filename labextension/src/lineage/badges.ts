/* The step's mark in the margin of its cell, the same as in the panel, and below it the checks that failed on what the cell made. */
import type { Notebook } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { IState, stepRows } from '../state/model';
import { isKnown } from '../state/tags';
import { stateMark, verdictMark } from '../state/words';

export interface IBadge {
  /** Mark and label of the step, or the first line where the cell is none. */
  text: string;
  /** What stands below it: failed checks. */
  more: string;
  role: string;
}

/** Write badge and colour role of every cell as data attributes; style/base.css draws them. Only what changes is written. */
export function drawBadges(
  notebook: Notebook,
  badges: ReadonlyMap<string, IBadge>
): void {
  for (const cell of notebook.widgets) {
    const badge = badges.get(cell.model.id);
    put(cell.node, 'data-mlgov-badge', badge?.text);
    put(cell.node, 'data-mlgov-more', badge?.more || undefined);
    put(cell.node, 'data-mlgov-role', badge?.role);
  }
}

function put(node: HTMLElement, name: string, value: string | undefined): void {
  if (value === undefined) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

/** Cell id -> badge, for every cell whose tags name a step and every one with a failed check. */
export function badgesOf(
  state: IState,
  trans: TranslationBundle
): Map<string, IBadge> {
  const badges = new Map<string, IBadge>();
  const tagged = new Map(state.cells.map(cell => [cell.id, cell.label]));
  for (const row of stepRows(state)) {
    for (const cell of row.cells) {
      if (tagged.get(cell.id) === row.label) {
        badges.set(cell.id, stepBadge(state, row, cell.id, trans));
      }
    }
  }
  for (const [cell, more] of failedChecks(state, trans)) {
    if (tagged.has(cell)) {
      const badge = badges.get(cell);
      badges.set(cell, {
        text: badge?.text ?? more,
        more: badge ? more : '',
        role: 'fail'
      });
    }
  }
  return badges;
}

function stepBadge(
  state: IState,
  row: ReturnType<typeof stepRows>[number],
  cell: string,
  trans: TranslationBundle
): IBadge {
  if (!isKnown(row.label)) {
    return { text: `? ${row.label}`, more: '', role: 'fail' };
  }
  const early = row.state === 'fresh' && state.view?.disorder.includes(cell);
  const { mark, role } = stateMark(early ? 'disorder' : row.state, trans);
  return { text: `${mark} ${row.label}`, more: '', role };
}

/** Cell id -> `✕ fair.air`, or how many; of checks that failed or broke and still speak of what is there. */
function failedChecks(
  state: IState,
  trans: TranslationBundle
): Map<string, string> {
  const failed = new Map<string, string[]>();
  for (const check of state.view?.checks ?? []) {
    const bad = check.verdict === 'fail' || check.verdict === 'error';
    if (bad && check.cell && !check.stale && !check.waived) {
      failed.set(check.cell, [
        ...(failed.get(check.cell) ?? []),
        check.validator
      ]);
    }
  }
  const { mark } = verdictMark('fail');
  return new Map(
    [...failed].map(([cell, checks]) => [
      cell,
      checks.length === 1
        ? `${mark} ${checks[0]}`
        : `${mark} ${trans._n('%1 check', '%1 checks', checks.length)}`
    ])
  );
}
