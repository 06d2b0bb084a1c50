/* The Checks section: every verdict with its words, gravest first as the server sent them; each opens to what was measured. */
import React from 'react';
import { Refusal } from '../api/request';
import type { ICheckLine, IReportJson } from '../api/types';
import { Said } from '../panel/said';
import { details } from '../reports/draw';
import { CommandIDs, ISectionProps } from '../state/tokens';
import { severityWord, verdictMark, whyNotRun } from '../state/words';

export function Checks(props: ISectionProps): React.ReactElement {
  const { state, trans } = props;
  const { checks = [], unchecked = 0, report = '' } = state.view ?? {};
  const [only, setOnly] = React.useState('');
  const [words, setWords] = React.useState('');
  const [chosen, setChosen] = React.useState<ReadonlySet<string>>(new Set());
  const full = useReport(props, report);
  if (!report) {
    return <NoChecks {...props} />;
  }
  const choose = (validator: string, on: boolean) =>
    setChosen(
      new Set(
        on
          ? [...chosen, validator]
          : [...chosen].filter(item => item !== validator)
      )
    );
  const shown = checks.filter(check => fits(check, only, words));
  return (
    <>
      <Tally {...props} checks={checks} only={only} choose={setOnly} />
      <Runs {...props} chosen={chosen}>
        <input
          type="search"
          className="jp-mlgov-search"
          aria-label={trans.__('Find a check')}
          placeholder={trans.__('Find a check')}
          value={words}
          onChange={event => setWords(event.target.value)}
        />
      </Runs>
      <ul className="jp-mlgov-list">
        {shown.map(check => (
          <Check
            key={check.validator}
            {...props}
            check={check}
            full={full}
            chosen={chosen.has(check.validator)}
            choose={choose}
          />
        ))}
      </ul>
      {shown.length ? null : (
        <p className="jp-mlgov-section">{trans.__('No check fits.')}</p>
      )}
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

/** Whether a check is shown: of the chosen verdict (or stale), and with the words in its title, id or summary. */
export function fits(check: ICheckLine, only: string, words: string): boolean {
  const kind =
    !only || (only === 'stale' ? check.stale !== '' : check.verdict === only);
  const text = `${check.title} ${check.validator} ${check.summary}`;
  return kind && text.toLowerCase().includes(words.trim().toLowerCase());
}

type Full = { report: IReportJson | null; trouble: string; want: () => void };

/** The whole report, asked for when the first row is opened, and again when another one stands. */
function useReport(props: ISectionProps, digest: string): Full {
  const [wanted, setWanted] = React.useState(false);
  const [report, setReport] = React.useState<IReportJson | null>(null);
  const [trouble, setTrouble] = React.useState('');
  const { actions } = props;
  const { path } = props.state;
  React.useEffect(() => {
    setReport(null);
    setTrouble('');
    if (!wanted || !digest) {
      return;
    }
    let current = true;
    actions
      .ask<IReportJson>('report')
      .then(found => current && setReport(found))
      .catch((error: unknown) => {
        const said = error instanceof Refusal ? error.message : String(error);
        return current && setTrouble(said);
      });
    return () => {
      current = false;
    };
  }, [wanted, digest, path]);
  return { report, trouble, want: () => setWanted(true) };
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

/** `✕ 1 failed   ✓ 4 passed`, in the order of the list; each shows its own alone, and all again. */
function Tally(
  props: ISectionProps & {
    checks: readonly ICheckLine[];
    only: string;
    choose: (verdict: string) => void;
  }
): React.ReactElement {
  const { checks, only, choose, trans } = props;
  const counts = new Map<string, number>();
  for (const check of checks) {
    counts.set(check.verdict, (counts.get(check.verdict) ?? 0) + 1);
  }
  const stale = checks.find(check => check.stale)?.stale ?? '';
  return (
    <>
      <div
        className="jp-mlgov-tally"
        role="group"
        aria-label={trans.__('Show only')}
      >
        {[...counts].map(([verdict, count]) => {
          const { mark, word, role } = verdictMark(verdict, trans);
          return (
            <button
              key={verdict}
              className={`jp-mlgov-filter jp-mlgov-mod-${role}`}
              aria-pressed={only === verdict}
              onClick={() => choose(only === verdict ? '' : verdict)}
            >
              <b>
                {mark} {count}
              </b>{' '}
              {word}
            </button>
          );
        })}
      </div>
      {stale ? (
        <p className="jp-mlgov-note jp-mlgov-mod-warn">
          ↻ <Said text={trans.__('These verdicts are stale: %1.', stale)} />
        </p>
      ) : null}
    </>
  );
}

/** Run all, what changed, or the chosen ones; while something runs the header has the button that stops it. */
function Runs(
  props: ISectionProps & {
    chosen: ReadonlySet<string>;
    children: React.ReactNode;
  }
): React.ReactElement {
  const { state, trans, actions, chosen } = props;
  const why = whyNotRun(state, trans);
  const stale = state.view?.checks.some(check => check.stale) ?? false;
  return (
    <div className="jp-mlgov-section jp-mlgov-buttons">
      <button
        className="jp-mlgov-button"
        disabled={why !== ''}
        title={
          why ||
          trans.__(
            'Run all checks; what rests on unchanged parts is not measured twice'
          )
        }
        onClick={() => actions.run(CommandIDs.validate)}
      >
        {stale ? trans.__('Run what is stale') : trans.__('Run all')}
      </button>
      <button
        className="jp-mlgov-button"
        disabled={why !== '' || !chosen.size}
        title={
          why ||
          trans.__('Run the ticked checks; such a partial report opens no gate')
        }
        onClick={() => actions.run(CommandIDs.validate, { only: [...chosen] })}
      >
        {chosen.size
          ? trans.__('Run selected (%1)', chosen.size)
          : trans.__('Run selected')}
      </button>
      {props.children}
    </div>
  );
}

function Check(
  props: ISectionProps & {
    check: ICheckLine;
    full: Full;
    chosen: boolean;
    choose: (validator: string, on: boolean) => void;
  }
): React.ReactElement {
  const { check, trans, full, chosen, choose } = props;
  const [open, setOpen] = React.useState(false);
  const { mark, word, role } = verdictMark(check.verdict, trans);
  const shown = check.stale ? trans.__('was: %1', word) : word;
  return (
    <li
      className="jp-mlgov-check"
      data-testid="mlgov-check"
      data-validator={check.validator}
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
          <span className="jp-mlgov-soft">
            {severityWord(check.severity, trans)}
          </span>
        </div>
        <div>
          <span className={`jp-mlgov-mod-${role}`}>{shown}</span>
          {' — '}
          <Said text={check.summary} />
        </div>
        {check.alone ? <Alone {...props} /> : null}
        {check.waived ? (
          <div data-testid="mlgov-waived">
            {'⏲ '}
            <Said text={check.waived} />
          </div>
        ) : null}
        <div className="jp-mlgov-fold">
          <details
            className="jp-mlgov-more"
            onToggle={event => {
              setOpen(event.currentTarget.open);
              if (event.currentTarget.open) {
                full.want();
              }
            }}
          >
            <summary>
              <code>{check.validator}</code>
            </summary>
            {open ? <More {...props} /> : null}
          </details>
          <label className="jp-mlgov-soft">
            <input
              type="checkbox"
              checked={chosen}
              onChange={event => choose(check.validator, event.target.checked)}
            />{' '}
            {trans.__('select')}
          </label>
        </div>
      </div>
    </li>
  );
}

/** What a measurement of this check by itself said since: beside the report's verdict, because the gate asks for a whole report. */
function Alone({
  check,
  trans
}: ISectionProps & { check: ICheckLine }): React.ReactElement {
  const { mark, word, role } = verdictMark(check.alone, trans);
  return (
    <div data-testid="mlgov-alone" data-verdict={check.alone}>
      <span className={`jp-mlgov-mod-${role}`}>
        {mark} {trans.__('measured alone since: %1', word)}
      </span>
      {' — '}
      <Said text={check.alone_summary} />{' '}
      <span className="jp-mlgov-soft">
        {trans.__('The gate asks for a whole report.')}
      </span>
    </div>
  );
}

/** Plot, numbers, paragraph, fix and evidence, as the report in the notebook draws them. */
function More(
  props: ISectionProps & { check: ICheckLine; full: Full }
): React.ReactElement {
  const { check, full, trans } = props;
  const place = React.useCallback(
    (node: HTMLDivElement | null) => {
      const words = (text: string, ...values: (string | number)[]) =>
        // eslint-disable-next-line jupyter/no-dynamic-translation -- draw.ts holds the literals and knows no JupyterLab
        trans.__(text, ...values);
      const drawn = full.report
        ? details(full.report, check.validator, words)
        : null;
      node?.replaceChildren(...(drawn ? [drawn] : []));
    },
    [full.report, check.validator]
  );
  if (full.trouble) {
    return <p role="alert">{full.trouble}</p>;
  }
  if (!full.report) {
    return <p role="status">{trans.__('Reading the report…')}</p>;
  }
  return <div className="jp-mlgov-detail" ref={place} />;
}
