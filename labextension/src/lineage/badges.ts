/* The step's mark in the margin of its cell, the same as in the panel. */
import type { Notebook } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { IState, stepRows } from '../state/model';
import { isKnown } from '../state/tags';
import { stateMark } from '../state/words';

/** Write badge and colour role of every cell as data attributes; style/base.css draws them. */
export function drawBadges(
  notebook: Notebook,
  state: IState,
  trans: TranslationBundle
): void {
  const badges = badgesOf(state, trans);
  for (const cell of notebook.widgets) {
    const badge = badges.get(cell.model.id);
    if (badge) {
      cell.node.dataset.mlgovBadge = badge.text;
      cell.node.dataset.mlgovRole = badge.role;
    } else {
      delete cell.node.dataset.mlgovBadge;
      delete cell.node.dataset.mlgovRole;
    }
  }
}

/** Cell id -> badge, for every cell whose tags name a step. */
export function badgesOf(
  state: IState,
  trans: TranslationBundle
): Map<string, { text: string; role: string }> {
  const badges = new Map<string, { text: string; role: string }>();
  const tagged = new Map(state.cells.map(cell => [cell.id, cell.label]));
  for (const row of stepRows(state)) {
    const { mark, role } = stateMark(row.state, trans);
    for (const cell of row.cells) {
      if (tagged.get(cell.id) === row.label) {
        badges.set(
          cell.id,
          isKnown(row.label)
            ? { text: `${mark} ${row.label}`, role }
            : { text: `? ${row.label}`, role: 'fail' }
        );
      }
    }
  }
  return badges;
}
