/* The Why section: the shortest list of what stands in the way, each with what to do. */
import React from 'react';
import type { IReason } from '../api/types';
import { Said } from '../panel/said';
import type { IState } from '../state/model';
import { aheadOf, gateOf, isThere } from '../state/model';
import { CommandIDs, ISectionProps } from '../state/tokens';
import { severityWord, whyNotRun } from '../state/words';
import { AskForStage } from './ask';

export function Why(props: ISectionProps): React.ReactElement {
  const { state, trans } = props;
  const view = state.view;
  const reasons = view?.why ?? [];
  if (!view || gateOf(state) === 'none' || gateOf(state) === 'unreadable') {
    return (
      <p className="jp-mlgov-section">
        {trans.__('Nothing is known about a gate yet.')}{' '}
        <Said text={view?.next ?? ''} />
      </p>
    );
  }
  return (
    <>
      <p className="jp-mlgov-section">
        <strong>{headline(props, reasons.length)}</strong>
        {view.let_in.length ? (
          <>
            <br />
            <span className="jp-mlgov-soft" data-testid="mlgov-let-in">
              {trans.__('This very model is in %1.', view.let_in.join(', '))}
            </span>
          </>
        ) : null}
      </p>
      <ol className="jp-mlgov-list">
        {reasons.map((reason, index) => (
          <Standing
            key={`${reason.code} ${index}`}
            {...props}
            reason={reason}
            number={index + 1}
          />
        ))}
      </ol>
      <AskForStage {...props} />
    </>
  );
}

function headline({ state, trans }: ISectionProps, count: number): string {
  const gate = state.view?.gate ?? '';
  if (!count && isThere(state.view)) {
    return trans.__('There is no stage after %1.', aheadOf(state.view));
  }
  return count
    ? trans._n(
        '%1 thing stands in the way of %2',
        '%1 things stand in the way of %2',
        count,
        gate
      )
    : trans.__('Nothing that is known stands in the way of %1.', gate);
}

function Standing(
  props: ISectionProps & { reason: IReason; number: number }
): React.ReactElement {
  const { reason, number, state, trans, actions } = props;
  const cell = hasCell(state, reason.cell) ? reason.cell : '';
  return (
    <li className="jp-mlgov-check" data-testid="mlgov-reason">
      <span className="jp-mlgov-mark jp-mlgov-mod-fail">{number}</span>
      <div>
        <div className="jp-mlgov-row">
          <span>
            <Said text={reason.sentence} />
          </span>
          <span className="jp-mlgov-soft">
            {severityWord(reason.severity, trans)}
          </span>
        </div>
        {reason.next ? (
          <div className="jp-mlgov-fix">
            <Said text={reason.next} />
          </div>
        ) : null}
        <div className="jp-mlgov-buttons">
          {reason.validator ? (
            <button
              className="jp-mlgov-button"
              onClick={() => actions.open('checks')}
            >
              {trans.__('Open check')}
            </button>
          ) : null}
          {cell ? (
            <button
              className="jp-mlgov-button"
              onClick={() => actions.goTo(cell)}
            >
              {trans.__('Show cell')}
            </button>
          ) : null}
          <Mend {...props} />
          {reason.validator && reason.code.startsWith('verdict-') ? (
            <button
              className="jp-mlgov-button"
              title={trans.__('Have others lift it for a while, for a reason')}
              onClick={() => actions.open('review')}
            >
              {trans.__('Ask for a waiver')}
            </button>
          ) : null}
          {reason.code === 'no-steps' ? (
            <button
              className="jp-mlgov-button"
              onClick={() => actions.open('steps')}
            >
              {trans.__('Tag cells')}
            </button>
          ) : null}
        </div>
      </div>
    </li>
  );
}

/** The one click that answers a reason: run its cells, or insert and run a cell that asks; a command is copied, people are asked. */
function Mend(
  props: ISectionProps & { reason: IReason }
): React.ReactElement | null {
  const { reason, state, trans, actions } = props;
  const fix = reason.fix;
  const why = whyNotRun(state, trans);
  const cells = (fix?.cells ?? []).filter(id => hasCell(state, id));
  if (fix?.kind === 'run-cell' && cells.length) {
    return (
      <button
        className="jp-mlgov-button"
        disabled={why !== ''}
        title={why}
        onClick={() => actions.run(CommandIDs.runCells, { cells })}
      >
        {trans._n('Run cell', 'Run %1 cells', cells.length)}
      </button>
    );
  }
  const code = fix ? magicOf(fix) : '';
  if (isMagic(code)) {
    const args = { code, run: true };
    return (
      <button
        className="jp-mlgov-button"
        disabled={why !== '' || state.readOnly}
        title={why || code}
        onClick={() => actions.run(CommandIDs.insert, args)}
      >
        {trans.__('Insert and run')} <code>{code}</code>
      </button>
    );
  }
  if (fix?.kind === 'insert-cell' && fix.code) {
    const args = { code: fix.code, run: false };
    return (
      <button
        className="jp-mlgov-button"
        disabled={state.readOnly}
        title={fix.code}
        onClick={() => actions.run(CommandIDs.insert, args)}
      >
        {trans.__('Insert a cell')}
      </button>
    );
  }
  // The amount is said in the field below, which is one click less than a shell.
  if (fix?.kind === 'command' && !reason.code.startsWith('limit-')) {
    return (
      <button
        className="jp-mlgov-button"
        title={fix.command}
        onClick={() => void navigator.clipboard.writeText(fix.command)}
      >
        {trans.__('Copy command')}
      </button>
    );
  }
  if (fix?.kind === 'restart') {
    return (
      <button
        className="jp-mlgov-button"
        disabled={why !== ''}
        title={why}
        onClick={() => actions.run(CommandIDs.restart)}
      >
        {trans.__('Restart and run all')}
      </button>
    );
  }
  if (fix?.kind === 'team-file' && state.view?.team_file) {
    const file = state.view.team_file;
    return (
      <button
        className="jp-mlgov-button"
        title={file}
        onClick={() => actions.run(CommandIDs.openFile, { file })}
      >
        {trans.__('Open mlgov.toml')}
      </button>
    );
  }
  if (fix?.kind === 'ask-person') {
    return (
      <button
        className="jp-mlgov-button"
        title={fix.people.join(', ')}
        onClick={() => actions.open('review')}
      >
        {trans.__('Open review')}
      </button>
    );
  }
  return null;
}

/** The cell that would do it: the code of a fix, or its command as the magic of the same words. */
function magicOf(fix: NonNullable<IReason['fix']>): string {
  if (fix.kind === 'insert-cell') {
    return fix.code;
  }
  return fix.kind === 'command'
    ? fix.command.replace(/^mlgov /, '%mlgov ')
    : '';
}

/** Only our own magics that look or measure are run at one click; promotion never is. */
export function isMagic(code: string): boolean {
  return (
    code === '%load_ext jupyter_mlgov' ||
    /^%mlgov (?:validate|report|lineage|status|why|answer)( [\w.*-]+)*$/.test(
      code
    )
  );
}

function hasCell(state: IState, id: string): boolean {
  return state.cells.some(cell => cell.id === id);
}
