/* Writing the notebook out as a job: first what would be made, step by step and file by file; then, on a second click, made. */
import React from 'react';
import type { IExportDone, IExportPlan, IExportStep } from '../api/types';
import { Said } from '../panel/said';
import { may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { cellName } from '../state/words';
import { Outcome, saidBy, useDeed } from './acts';

/** What most people mean; the others are a tick away. */
const USUAL = ['papermill', 'dvc'];

export function Export(props: ISectionProps): React.ReactElement {
  const { state, trans, actions } = props;
  const [chosen, setChosen] = React.useState<readonly string[]>(USUAL);
  const { plan, trouble } = usePlan(props, chosen);
  const [done, setDone] = React.useState<IExportDone | null>(null);
  const deed = useDeed();
  const { path } = state;
  React.useEffect(() => setDone(null), [path, chosen]);
  if (!may(state, 'run')) {
    return (
      <p className="jp-mlgov-section" data-testid="mlgov-may-not-export">
        {trans.__('You may look here, not export.')}
      </p>
    );
  }
  const make = () =>
    deed.run(working(plan, trans), async () => {
      setDone(await actions.send<IExportDone>('export', { to: [...chosen] }));
      actions.refresh();
    });
  return (
    <div data-testid="mlgov-export">
      <div className="jp-mlgov-section">
        <p>
          <strong>{trans.__('Export as a job')}</strong>
        </p>
        <Targets {...props} plan={plan} chosen={chosen} choose={setChosen} />
      </div>
      {trouble ? (
        <p className="jp-mlgov-note jp-mlgov-mod-fail" role="alert">
          <Said text={trouble} />
        </p>
      ) : null}
      {!plan && !trouble && chosen.length ? (
        <p className="jp-mlgov-section jp-mlgov-soft" role="status">
          {trans.__('Working out what would be made; nothing is written…')}
        </p>
      ) : null}
      {plan && !trouble ? (
        <>
          <Plan {...props} plan={plan} />
          <div className="jp-mlgov-section">
            {done ? (
              <Done done={done} trans={trans} />
            ) : (
              <button
                className="jp-mlgov-button"
                disabled={deed.busy !== '' || !chosen.length}
                onClick={() => void make()}
              >
                {trans._n('Write %1 file', 'Write %1 files', plan.files.length)}
              </button>
            )}
            <Outcome deed={deed} />
          </div>
        </>
      ) : null}
    </div>
  );
}

/** What is going on, and how long it takes where a proof is needed. */
function working(
  plan: IExportPlan | null,
  trans: ISectionProps['trans']
): string {
  return plan?.proof.length
    ? trans.__(
        'Proving that %1 steps in kernels of their own give what the notebook gives; it takes about as long as the notebook, then the files are written…',
        plan.steps.length
      )
    : trans.__('Writing the files…');
}

function usePlan(
  props: ISectionProps,
  chosen: readonly string[]
): { plan: IExportPlan | null; trouble: string } {
  const { state, actions } = props;
  const [plan, setPlan] = React.useState<IExportPlan | null>(null);
  const [trouble, setTrouble] = React.useState('');
  const to = chosen.join(',');
  React.useEffect(() => {
    setTrouble('');
    setPlan(null);
    if (!to || !may(state, 'run')) {
      return;
    }
    let current = true;
    actions
      .ask<IExportPlan>('export', { to })
      .then(found => current && setPlan(found))
      .catch((error: unknown) => current && setTrouble(saidBy(error)));
    return () => {
      current = false;
    };
  }, [state.path, to]);
  return { plan, trouble };
}

function Targets(
  props: ISectionProps & {
    plan: IExportPlan | null;
    chosen: readonly string[];
    choose(targets: readonly string[]): void;
  }
): React.ReactElement {
  const { plan, chosen, choose, trans } = props;
  const [known, setKnown] = React.useState<readonly string[]>(USUAL);
  React.useEffect(() => {
    if (plan) {
      setKnown(plan.known);
    }
  }, [plan]);
  return (
    <fieldset className="jp-mlgov-targets">
      <legend className="jp-mlgov-soft">{trans.__('For')}</legend>
      {known.map(name => (
        <label key={name} className="jp-mlgov-tick">
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={event =>
              choose(
                event.target.checked
                  ? [...chosen, name]
                  : chosen.filter(one => one !== name)
              )
            }
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** The steps as a chain, what crosses between them, and every file. */
function Plan(
  props: ISectionProps & { plan: IExportPlan }
): React.ReactElement {
  const { plan, trans } = props;
  return (
    <>
      <div className="jp-mlgov-section">
        {plan.steps.length ? (
          <ol
            className="jp-mlgov-steps"
            aria-label={trans.__('Steps of the job')}
          >
            {plan.steps.map(step => (
              <Step key={step.name} {...props} step={step} />
            ))}
          </ol>
        ) : null}
        {plan.refusals.map(one => (
          <p key={one} className="jp-mlgov-note jp-mlgov-mod-fail">
            {trans.__('It cannot be cut into steps, so it runs whole.')}{' '}
            <Said text={one} />
          </p>
        ))}
        {plan.notes.map(note => (
          <p key={note} className="jp-mlgov-soft">
            <Said text={note} />
          </p>
        ))}
      </div>
      <div className="jp-mlgov-section" data-testid="mlgov-export-files">
        {plan.targets.map(target => (
          <div key={target}>
            <span className="jp-mlgov-soft">
              {plan.proof.includes(target)
                ? trans.__(
                    '%1, after a proof that the steps equal the notebook',
                    target
                  )
                : target}
            </span>
            <ul className="jp-mlgov-list jp-mlgov-files">
              {plan.files
                .filter(file => file.target === target)
                .map(file => (
                  <li key={file.path}>
                    {file.path}
                    {file.exists ? (
                      <span className="jp-mlgov-soft">
                        {' '}
                        {trans.__('(is there; replaced)')}
                      </span>
                    ) : null}
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </div>
    </>
  );
}

function Step(
  props: ISectionProps & { step: IExportStep }
): React.ReactElement {
  const { step, state, trans, actions } = props;
  const cells = step.cells
    .map(id => state.cells.find(cell => cell.id === id))
    .map(cell => (cell ? cellName(cell) : ''))
    .filter(Boolean)
    .join(' ');
  const lines: [string, string[]][] = [
    [trans.__('takes'), step.takes],
    [trans.__('gives'), step.gives],
    [trans.__('reads'), step.reads],
    [trans.__('writes'), step.writes],
    [trans.__('parameters'), step.parameters]
  ];
  return (
    <li>
      <button
        className="jp-mlgov-step"
        data-state="fresh"
        data-testid="mlgov-export-step"
        title={trans.__('Show the cell')}
        onClick={() => step.cells[0] && actions.goTo(step.cells[0])}
      >
        <span className="jp-mlgov-step-name">{step.name}</span>
        <span className="jp-mlgov-soft">
          {[
            cells,
            step.after.length ? trans.__('after %1', step.after.join(', ')) : ''
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
        <span />
        <span className="jp-mlgov-step-why jp-mlgov-mod-mute">
          {lines
            .filter(([, names]) => names.length)
            .map(([what, names]) => (
              <span key={what} className="jp-mlgov-crosses">
                {what} <code>{names.join(', ')}</code>
              </span>
            ))}
        </span>
      </button>
    </li>
  );
}

function Done(props: {
  done: IExportDone;
  trans: ISectionProps['trans'];
}): React.ReactElement {
  const { done, trans } = props;
  return (
    <div role="status" data-testid="mlgov-exported">
      <p className="jp-mlgov-mod-pass">
        <b>
          {trans._n('✓ Wrote %1 file', '✓ Wrote %1 files', done.files.length)}
        </b>
      </p>
      <ul className="jp-mlgov-list jp-mlgov-files">
        {done.files.map(file => (
          <li key={file}>{file}</li>
        ))}
      </ul>
      {done.proof ? <p className="jp-mlgov-soft">{done.proof}</p> : null}
    </div>
  );
}
