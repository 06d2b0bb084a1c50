/* The Checks section: every verdict with its words, gravest first as the server sent them. */
import React from 'react';
import type { ICheckLine } from '../api/types';
import { Said } from '../panel/said';
import { CommandIDs, ISectionProps } from '../state/tokens';
import { verdictMark, whyNotRun } from '../state/words';

export function Checks(props: ISectionProps): React.ReactElement {
  const { state, trans } = props;
  const { checks = [], unchecked = 0, report = '' } = state.view ?? {};
  if (!report) {
    return <NoChecks {...props} />;
  }
  return (
    <>
      <Tally {...props} checks={checks} />
      <ul className="jp-mlgov-list">
        {checks.map(check => (
          <Check key={check.validator} {...props} check={check} />
        ))}
      </ul>
      {unchecked ? (
        <p className="jp-mlgov-section jp-mlgov-soft">
          {trans._n(
            '%1 control is not checked here. It is open, not passed.',
            '%1 controls are not checked here. They are open, not passed.',
            unchecked
          )}
        </p>
      ) : null}
      <p className="jp-mlgov-section jp-mlgov-soft">
        {trans.__('report')} <code title={report}>{report.slice(0, 19)}…</code>
      </p>
    </>
  );
}

function NoChecks({
  state,
  trans,
  actions
}: ISectionProps): React.ReactElement {
  const why = whyNotRun(state, trans);
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-no-checks">
      <p>{trans.__('Nothing was checked yet.')}</p>
      <button
        className="jp-mlgov-button"
        disabled={why !== ''}
        title={why}
        onClick={() => actions.run(CommandIDs.validate)}
      >
        {trans.__('Run all checks')}
      </button>
    </div>
  );
}

/** `✕ 1 failed   ✓ 4 passed`, in the order of the list. */
function Tally(
  props: ISectionProps & { checks: readonly ICheckLine[] }
): React.ReactElement {
  const counts = new Map<string, number>();
  for (const check of props.checks) {
    counts.set(check.verdict, (counts.get(check.verdict) ?? 0) + 1);
  }
  const stale = props.checks.find(check => check.stale)?.stale ?? '';
  return (
    <>
      <p className="jp-mlgov-tally">
        {[...counts].map(([verdict, count]) => {
          const { mark, word, role } = verdictMark(verdict);
          return (
            <span key={verdict} className={`jp-mlgov-mod-${role}`}>
              <b>
                {mark} {count}
              </b>{' '}
              {word}
            </span>
          );
        })}
      </p>
      {stale ? (
        <p className="jp-mlgov-note jp-mlgov-mod-warn">
          ↻ {props.trans.__('These verdicts are stale: %1.', stale)}
        </p>
      ) : null}
    </>
  );
}

function Check(
  props: ISectionProps & { check: ICheckLine }
): React.ReactElement {
  const { check, trans } = props;
  const { mark, word, role } = verdictMark(check.verdict);
  const shown = check.stale ? trans.__('was: %1', word) : word;
  return (
    <li
      className="jp-mlgov-check"
      data-testid="mlgov-check"
      data-verdict={check.verdict}
      data-stale={check.stale ? 'true' : undefined}
    >
      <span
        className={`jp-mlgov-mark jp-mlgov-mod-${role}`}
        role="img"
        aria-label={word}
      >
        {check.stale ? '↻' : mark}
      </span>
      <div>
        <div className="jp-mlgov-row">
          <strong>{check.title}</strong>
          <span className="jp-mlgov-soft">{check.severity}</span>
        </div>
        <div>
          <span className={`jp-mlgov-mod-${role}`}>{shown}</span>
          {' — '}
          <Said text={check.summary} />
        </div>
        {check.waived ? (
          <div data-testid="mlgov-waived">
            {'⏲ '}
            <Said text={check.waived} />
          </div>
        ) : null}
        <code>{check.validator}</code>
      </div>
    </li>
  );
}
