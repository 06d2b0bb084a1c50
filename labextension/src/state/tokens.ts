/* What the rooms of this extension give one another. */
import type { CommandRegistry } from '@lumino/commands';
import { ReadonlyPartialJSONObject, Token } from '@lumino/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import type { GovernanceModel, IState } from './model';

export namespace CommandIDs {
  export const open = 'mlgov:open';
  export const refresh = 'mlgov:refresh';
  export const validate = 'mlgov:validate';
  export const record = 'mlgov:record';
  export const tagCell = 'mlgov:tag-cell';
  export const tagMenu = 'mlgov:tag-menu';
  export const runStale = 'mlgov:run-stale';
  export const runCells = 'mlgov:run-cells';
  export const insert = 'mlgov:insert-cell';
  export const models = 'mlgov:models';
  export const stop = 'mlgov:stop-validation';
  export const restart = 'mlgov:restart-run-all';
  export const openFile = 'mlgov:open-file';
}

/** The state of the notebook in front, and the few acts on it that more than one room needs. */
export interface IGovernance {
  readonly model: GovernanceModel;
  readonly notebook: NotebookPanel | null;
  readonly trans: TranslationBundle;
  /** The folder of the workspace that was last looked at, below the server's root. */
  readonly folder: string;
  /** The record moved: somebody did something. */
  readonly moved: ISignal<IGovernance, void>;
  /** Ask the server again, soon. */
  refresh(): void;
  /** Read the open notebook's cells again. */
  scan(): void;
  /** Bring a cell into view and make it the active one. */
  goTo(cellId: string): Promise<void>;
  /** GET a route about the notebook in front. Rejects with a Refusal. */
  ask<T>(route: string, query?: Record<string, string>): Promise<T>;
  /** POST to a route about the notebook in front. Rejects with a Refusal. */
  send<T>(
    route: string,
    body: Record<string, unknown>,
    query?: Record<string, string>
  ): Promise<T>;
}

export const IGovernance = new Token<IGovernance>(
  'jupyter-mlgov:IGovernance',
  'The governance state of the notebook in front.'
);

/** What a section is drawn from. */
export interface ISectionProps {
  state: IState;
  trans: TranslationBundle;
  actions: ISectionActions;
}

export interface ISectionActions {
  goTo(cellId: string): void;
  run(command: string, args?: ReadonlyPartialJSONObject): void;
  open(section: string): void;
  ask: IGovernance['ask'];
  send: IGovernance['send'];
  refresh(): void;
}

/** One tab of the panel. */
export interface ISection {
  id: string;
  label: string;
  rank: number;
  /** Not a tab: opened by a button in the header. */
  aside?: boolean;
  /** Where the record cannot be read: drawn alone all the same, or below that news; without it, not at all. */
  unread?: 'whole' | 'below';
  /** A number beside the label; 0 shows none. */
  count?(state: IState): number;
  render(props: ISectionProps): ReactElement;
}

/** The side panel; other plugins put their sections into it. */
export interface IGovernancePanel {
  add(section: ISection): void;
  readonly commands: CommandRegistry;
}

export const IGovernancePanel = new Token<IGovernancePanel>(
  'jupyter-mlgov:IGovernancePanel',
  'The governance side panel, open to further sections.'
);
