/* What the panel, the badges and the status bar show, as one fact with one signal. Pure: no JupyterLab here. */
import { ISignal, Signal } from '@lumino/signaling';
import type { ITrouble } from '../api/request';
import type { INotebookView, IStepStatus, StepState } from '../api/types';

/** A cell of the open notebook, with the step its tags name now (saved or not). */
export interface ILiveCell {
  id: string;
  label: string;
  prompt: number | null;
}

export type KernelState = 'none' | 'starting' | 'idle' | 'busy';

export interface IState {
  /** Path below the server's root; null when no notebook is open. */
  path: string | null;
  view: INotebookView | null;
  loading: boolean;
  trouble: ITrouble | null;
  cells: readonly ILiveCell[];
  kernel: KernelState;
  readOnly: boolean;
  /** What the kernel is doing for us, in words; '' when nothing. */
  work: string;
  /** What the kernel said when our last request of it failed; '' when it went well. */
  complaint: string;
  /** What the signed-in person may do; null until the server said so. */
  rights: readonly string[] | null;
  /** Who is signed in, as the server calls them. */
  user: string;
  /** Whether news of the record come in; what is shown may be old while they do not. */
  live: boolean;
}

export const EMPTY: IState = {
  path: null,
  view: null,
  loading: false,
  trouble: null,
  cells: [],
  kernel: 'none',
  readOnly: false,
  work: '',
  complaint: '',
  rights: null,
  user: '',
  live: true
};

/** Whether the signed-in person may do something. Before the server said so, nobody is told that they may not. */
export function may(state: IState, action: string): boolean {
  return state.rights === null || state.rights.includes(action);
}

/** Holds the state; `update` replaces parts of it and tells everyone once. */
export class GovernanceModel {
  get state(): IState {
    return this._state;
  }

  get changed(): ISignal<this, IState> {
    return this._changed;
  }

  update(part: Partial<IState>): void {
    this._state = { ...this._state, ...part };
    this._changed.emit(this._state);
  }

  private _state = EMPTY;
  private _changed = new Signal<this, IState>(this);
}

/** One row of the Steps list: a step of the record, or one that only the open notebook knows so far. */
export interface IStepRow {
  label: string;
  state: StepState | 'tagged';
  why: string;
  cells: readonly ILiveCell[];
  status: IStepStatus | null;
}

/** The recorded steps in order, then those that only the open notebook knows so far. */
export function stepRows(state: IState): IStepRow[] {
  const byId = new Map(state.cells.map(cell => [cell.id, cell]));
  const recorded = (state.view?.steps ?? []).map(status => ({
    label: status.step.name
      ? `${status.step.kind}:${status.step.name}`
      : status.step.kind,
    state: status.state,
    why: status.why,
    cells: status.cells.map(
      id => byId.get(id) ?? { id, label: '', prompt: null }
    ),
    status
  }));
  const known = new Set(
    recorded.flatMap(row => row.cells.map(cell => `${row.label} ${cell.id}`))
  );
  const tagged = state.cells.filter(
    cell => cell.label && !known.has(`${cell.label} ${cell.id}`)
  );
  return [...recorded, ...tagged.map(taggedRow)];
}

function taggedRow(cell: ILiveCell): IStepRow {
  return {
    label: cell.label,
    state: 'tagged',
    why: '',
    cells: [cell],
    status: null
  };
}

/** The stage this model goes for; '' where its team has none with a gate. */
export function aheadOf(view: INotebookView | null): string {
  return view?.gate.split(' → ')[1] ?? '';
}

/** Whether this very model is in the last stage: there is nothing to ask for. */
export function isThere(view: INotebookView | null): boolean {
  return view?.let_in.includes(aheadOf(view)) ?? false;
}

export type Gate = 'none' | 'unreadable' | 'shut' | 'clear' | 'in';

/** `shut` while anything known stands in the way; `clear` says no more than that nothing known does; `in`: it is in the last stage. */
export function gateOf(state: IState): Gate {
  const { view, trouble } = state;
  if (trouble || (view?.problem && view.workspace)) {
    return 'unreadable';
  }
  if (!view?.gate) {
    return 'none';
  }
  if (view.why.length || !view.report) {
    return 'shut';
  }
  return isThere(view) ? 'in' : 'clear';
}
