/* The Why section: the shortest list of what stands in the way, each with what to do. */
import React from 'react';
import type { IReason } from '../api/types';
import { Said } from '../panel/said';
import type { IState } from '../state/model';
import { gateOf } from '../state/model';
import type { ISectionProps } from '../state/tokens';

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
    </>
  );
}

function headline({ state, trans }: ISectionProps, count: number): string {
  const gate = state.view?.gate ?? '';
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
          <span className="jp-mlgov-soft">{reason.severity}</span>
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
        </div>
      </div>
    </li>
  );
}

function hasCell(state: IState, id: string): boolean {
  return state.cells.some(cell => cell.id === id);
}
