/* Marks and words of step states; those of verdicts come from Python (api/types.ts). */
import type { TranslationBundle } from '@jupyterlab/translation';
import { VERDICTS, Verdict } from '../api/types';
import type { ILiveCell, IState, IStepRow } from './model';
import { gateOf, may } from './model';

export interface IMark {
  mark: string;
  word: string;
  /** The colour role: a class `jp-mlgov-mod-<role>` in style/base.css. */
  role: string;
}

const ROLES: Record<Verdict, string> = {
  pass: 'pass',
  warn: 'warn',
  fail: 'fail',
  inconclusive: 'unknown',
  error: 'broken',
  not_applicable: 'mute'
};

/** Mark, word and colour of a verdict; what we do not know is shown as told, never as passed. */
export function verdictMark(verdict: string, trans: ISays = PLAIN): IMark {
  const known = VERDICTS[verdict as Verdict];
  return known
    ? {
        mark: known.mark,
        // eslint-disable-next-line jupyter/no-dynamic-translation -- Python owns the words; locale.spec.ts sees that each has its German
        word: trans.__(known.word),
        role: ROLES[verdict as Verdict]
      }
    : {
        mark: '?',
        word: verdict || trans.__('no verdict'),
        role: 'unknown'
      };
}

/** A severity in the reader's language. */
export function severityWord(severity: string, trans: ISays): string {
  // eslint-disable-next-line jupyter/no-dynamic-translation -- as above
  return severity ? trans.__(severity) : '';
}

/** The one thing that words need of a translator. */
export interface ISays {
  __(text: string): string;
}

const PLAIN: ISays = { __: text => text };

/** Mark, word and colour of a step's state. */
export function stateMark(
  state: IStepRow['state'] | 'disorder',
  trans: TranslationBundle
): IMark {
  switch (state) {
    case 'fresh':
      return { mark: '✓', word: trans.__('up to date'), role: 'pass' };
    case 'disorder':
      return { mark: '⇅', word: trans.__('out of order'), role: 'warn' };
    case 'stale':
      return { mark: '↻', word: trans.__('stale'), role: 'warn' };
    case 'failed':
      return { mark: '✕', word: trans.__('failed'), role: 'fail' };
    case 'killed':
      return { mark: '✕', word: trans.__('kernel died'), role: 'fail' };
    case 'running':
      return { mark: '…', word: trans.__('running'), role: 'unknown' };
    case 'never ran':
      return { mark: '○', word: trans.__('never ran'), role: 'mute' };
    default:
      return { mark: '•', word: trans.__('not recorded yet'), role: 'mute' };
  }
}

/** How people find a cell: by its prompt, `[5]`; '' while it has none. */
export function cellName(cell: ILiveCell): string {
  return cell.prompt === null ? '' : `[${cell.prompt}]`;
}

/** Why the kernel cannot be asked now; '' when it can. */
export function whyNotRun(state: IState, trans: TranslationBundle): string {
  if (state.path === null) {
    return trans.__('Open a notebook first.');
  }
  if (!may(state, 'run')) {
    return trans.__('You may look here, not run.');
  }
  if (state.kernel === 'none') {
    return trans.__('No kernel is running. Start one to validate.');
  }
  if (state.kernel === 'starting') {
    return trans.__('The kernel is starting.');
  }
  return state.work;
}

/** The status bar's words. */
export function statusText(state: IState, trans: TranslationBundle): string {
  const count = new Set(state.cells.map(cell => cell.label).filter(Boolean))
    .size;
  const steps = trans._n('%1 step', '%1 steps', count);
  const gates = {
    none: trans.__('not recorded yet'),
    unreadable: trans.__('cannot be read'),
    shut: trans.__('gate shut'),
    clear: trans.__('nothing stands in the way'),
    in: trans.__('let in')
  };
  return trans.__('Governance: %1 · %2', steps, gates[gateOf(state)]);
}
