/* The Steps section: what is tagged, how it stands, and why. */
import React from 'react';
import { Said } from '../panel/said';
import { IState, IStepRow, stepRows } from '../state/model';
import { CommandIDs, ISectionProps } from '../state/tokens';
import { cellName, stateMark } from '../state/words';

export function Steps(props: ISectionProps): React.ReactElement {
  const rows = stepRows(props.state);
  return (
    <>
      {rows.length ? <Chain {...props} rows={rows} /> : <NoSteps {...props} />}
      <Record {...props} />
    </>
  );
}

function NoSteps({ state, trans, actions }: ISectionProps): React.ReactElement {
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-no-steps">
      <p>
        {trans.__('No steps yet.')}{' '}
        {state.readOnly
          ? trans.__('This notebook is read-only, so no cell can be tagged.')
          : trans.__(
              'Tag the active cell: data, features, train, evaluate, register or report.'
            )}
      </p>
      <button
        className="jp-mlgov-button"
        disabled={state.readOnly}
        onClick={() => actions.run(CommandIDs.tagMenu)}
      >
        {trans.__('Tag the active cell…')}
      </button>
    </div>
  );
}

function Chain(
  props: ISectionProps & { rows: readonly IStepRow[] }
): React.ReactElement {
  const { rows, state, trans, actions } = props;
  const stale = staleCells(state);
  return (
    <div className="jp-mlgov-section">
      <ol className="jp-mlgov-steps" aria-label={trans.__('Steps in order')}>
        {rows.map(row => (
          <StepItem
            key={`${row.label} ${row.cells[0]?.id}`}
            {...props}
            row={row}
          />
        ))}
      </ol>
      {stale.length ? (
        <div className="jp-mlgov-note jp-mlgov-mod-warn jp-mlgov-row">
          <span>
            {trans._n('%1 cell is stale', '%1 cells are stale', stale.length)}
          </span>
          <button
            className="jp-mlgov-button"
            disabled={state.kernel === 'none'}
            onClick={() => actions.run(CommandIDs.runStale)}
          >
            {trans._n('Run it', 'Run them', stale.length)}
          </button>
        </div>
      ) : null}
    </div>
  );
}

function StepItem(
  props: ISectionProps & { row: IStepRow }
): React.ReactElement {
  const { row, trans, actions } = props;
  const { mark, word, role } = stateMark(row.state, trans);
  const cells = row.cells.map(cellName).filter(Boolean).join(' ');
  const words = row.why || word;
  return (
    <li>
      <button
        className={`jp-mlgov-step jp-mlgov-mod-${role}`}
        data-state={row.state}
        data-testid="mlgov-step"
        title={trans.__('Show the cell. %1', words)}
        onClick={() => row.cells[0] && actions.goTo(row.cells[0].id)}
      >
        <span className="jp-mlgov-step-name">{row.label}</span>
        <span className="jp-mlgov-soft">
          {[cells, row.state === 'fresh' ? seconds(row) : word]
            .filter(Boolean)
            .join(' · ')}
        </span>
        <span className="jp-mlgov-mark" aria-hidden>
          {mark}
        </span>
        {row.why ? (
          <span className="jp-mlgov-step-why">
            <Said text={row.why} />
          </span>
        ) : null}
      </button>
    </li>
  );
}

function seconds(row: IStepRow): string {
  const ms = row.status?.duration_ms ?? 0;
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}

/** Ids of the cells of stale steps. */
export function staleCells(state: IState): string[] {
  const steps = state.view?.steps ?? [];
  return steps
    .filter(step => step.state === 'stale')
    .flatMap(step => step.cells);
}

/** What the record holds beside the steps, and the one thing to do now. */
function Record({ state, trans, actions }: ISectionProps): React.ReactElement {
  const { view, kernel, work } = state;
  if (!view) {
    return <></>;
  }
  const version = view.version ? trans.__('version %1', view.version) : '';
  const facts: [string, string[]][] = [
    [trans.__('data'), view.inputs],
    [
      trans.__('model'),
      [[view.model, version, view.stage].filter(Boolean).join(' · ')]
    ],
    [trans.__('runs on'), [view.runs_on, view.code]],
    [
      trans.__('waiting'),
      view.waiting
        ? [trans._n('%1 delivery', '%1 deliveries', view.waiting)]
        : []
    ]
  ];
  return (
    <>
      {view.problem ? (
        <div
          className={`jp-mlgov-section jp-mlgov-problem ${view.workspace ? 'jp-mlgov-mod-fail' : ''}`}
          data-testid="mlgov-problem"
        >
          <p>
            <Said text={view.problem} />
          </p>
          {!view.workspace && kernel !== 'none' ? (
            <button
              className="jp-mlgov-button"
              disabled={work !== ''}
              onClick={() => actions.run(CommandIDs.record)}
            >
              {trans.__('Start recording')}
            </button>
          ) : null}
        </div>
      ) : null}
      {view.workspace ? (
        <dl className="jp-mlgov-section jp-mlgov-facts">
          {facts
            .map(([name, lines]) => [name, lines.filter(Boolean)] as const)
            .filter(([, lines]) => lines.length)
            .map(([name, lines]) => (
              <React.Fragment key={name}>
                <dt>{name}</dt>
                <dd>
                  {lines.map(line => (
                    <div key={line}>{line}</div>
                  ))}
                </dd>
              </React.Fragment>
            ))}
        </dl>
      ) : null}
      {view.next && view.next !== view.problem ? (
        <p className="jp-mlgov-section jp-mlgov-next" data-testid="mlgov-next">
          <b>{trans.__('Next')}</b> <Said text={view.next} />
        </p>
      ) : null}
    </>
  );
}
