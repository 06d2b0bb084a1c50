/* The portfolio at one moment: the figures with what they rest on, where to look first, what is due, what comes into force. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { ITrouble } from '../api/request';
import type {
  IFigure,
  IPortfolioPage,
  IPortfolioRow,
  IPortfolioView
} from '../api/types';
import { Said } from '../panel/said';
import { verdictMark } from '../state/words';
import { useAsked } from './asked';
import { Inventory } from './inventory';
import {
  comingWords,
  figureBasis,
  figureValue,
  findingTime,
  gravity,
  minute,
  reviewLeft,
  tierWord,
  told,
  why
} from './words';

export interface IPortfolioProps {
  trans: TranslationBundle;
  /** Grows when the record moved: what is shown is then read again. */
  moved: number;
  ask<T>(route: string, query: Record<string, string>): Promise<T>;
  open(notebook: string): void;
}

/** Everything at the moment that the reader chose; nothing of another moment stays in view. */
export function Portfolio(props: IPortfolioProps): React.ReactElement {
  const { trans, ask, moved } = props;
  const [day, setDay] = React.useState('');
  const { found, trouble } = useAsked<IPortfolioView>(
    () => ask('portfolio', { as_of: day }),
    day,
    moved
  );
  return (
    <div className="jp-mlgov-portfolio" data-testid="mlgov-portfolio">
      <Moment trans={trans} day={day} choose={setDay} />
      <p className="jp-mlgov-moment" role="status" data-testid="mlgov-moment">
        {found
          ? momentWords(found, trans)
          : trouble
            ? ''
            : trans.__('Reading the record…')}
      </p>
      {trouble ? <Trouble trouble={trouble} /> : null}
      {found ? <Whole {...props} found={found} day={day} /> : null}
    </div>
  );
}

/** Which moment, in words. */
function momentWords(found: IPortfolioView, trans: TranslationBundle): string {
  const models = trans._n('%1 model', '%1 models', found.models);
  const at = minute(found.moment);
  return found.as_of
    ? trans.__(
        'As it stood on %1 UTC, after %2 entries of the trail: %3. What came later counts for nothing here.',
        at,
        found.entries,
        models
      )
    : trans.__(
        'Now, %1 UTC, after %2 entries of the trail: %3.',
        at,
        found.entries,
        models
      );
}

function Moment(props: {
  trans: TranslationBundle;
  day: string;
  choose: (day: string) => void;
}): React.ReactElement {
  const { trans, day, choose } = props;
  const [typed, setTyped] = React.useState(day);
  return (
    <form
      className="jp-mlgov-as-of"
      onSubmit={event => {
        event.preventDefault();
        choose(typed.trim());
      }}
    >
      <label>
        {trans.__('As it stood at the end of')}{' '}
        <input
          type="text"
          size={12}
          placeholder="2026-06-30"
          spellCheck={false}
          autoComplete="off"
          maxLength={40}
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
      </label>
      <button type="submit" className="jp-mlgov-button">
        {trans.__('Show that day')}
      </button>
      <button
        type="button"
        className="jp-mlgov-button"
        disabled={!day && !typed}
        onClick={() => {
          setTyped('');
          choose('');
        }}
      >
        {trans.__('Show now')}
      </button>
    </form>
  );
}

function Trouble({ trouble }: { trouble: ITrouble }): React.ReactElement {
  const said = [trouble.message, trouble.expected, trouble.next];
  return (
    <p
      className="jp-mlgov-note jp-mlgov-mod-fail"
      role="alert"
      data-testid="mlgov-portfolio-trouble"
    >
      <Said text={said.filter(Boolean).join(' ')} />
    </p>
  );
}

function Whole(
  props: IPortfolioProps & { found: IPortfolioView; day: string }
): React.ReactElement {
  const { trans, found, day, ask, moved, open } = props;
  return (
    <>
      <Part title={trans.__('Figures')}>
        <div className="jp-mlgov-figures">
          {found.figures.map(one => (
            <Figure key={one.id} figure={one} trans={trans} />
          ))}
        </div>
      </Part>
      <Part title={trans.__('Where to look first')}>
        <First {...props} rows={found.first} />
        <p className="jp-mlgov-soft">{told(found.rule, trans)}</p>
      </Part>
      <Due {...props} />
      <Part title={trans.__('Coming into force')}>
        <List total={found.coming.length} trans={trans}>
          {found.coming.map(one => {
            const { when, what } = comingWords(one, trans);
            return (
              <li key={`${one.date} ${one.title}`}>
                <strong>{when}</strong>: {one.title} (
                {trans._n('%1 control', '%1 controls', one.controls)}):{' '}
                <span className={one.closes ? 'jp-mlgov-mod-fail' : ''}>
                  {what}
                </span>
                {one.names.length
                  ? `: ${one.names.join(', ')}${one.closes > one.names.length ? ' …' : ''}`
                  : ''}
              </li>
            );
          })}
        </List>
        <p className="jp-mlgov-soft">
          {trans.__(
            'By the policy packs that are installed now: no trail holds them.'
          )}
        </p>
      </Part>
      <Part title={trans.__('Inventory')}>
        <Inventory
          key={day}
          trans={trans}
          moved={moved}
          open={open}
          ask={query =>
            ask<IPortfolioPage>('portfolio/models', { ...query, as_of: day })
          }
        />
      </Part>
    </>
  );
}

/** Findings and reviews, the most urgent of each. */
function Due(
  props: IPortfolioProps & { found: IPortfolioView }
): React.ReactElement {
  const { trans, found } = props;
  return (
    <>
      <Part
        title={trans.__(
          'Findings: %1 open, %2 overdue',
          found.findings_in_all,
          found.overdue
        )}
      >
        <List total={found.findings_in_all} trans={trans}>
          {found.findings.map((one, at) => (
            <li key={at}>
              <strong>{one.model}</strong>: {one.what} ·{' '}
              {gravity(one.severity, trans)} ·{' '}
              <span
                className={
                  one.days !== null && one.days > 0 ? 'jp-mlgov-mod-fail' : ''
                }
              >
                {findingTime(one, trans)}
              </span>
            </li>
          ))}
        </List>
      </Part>
      <Part title={trans.__('Reviews: %1 open', found.reviews_in_all)}>
        <List total={found.reviews_in_all} trans={trans}>
          {found.reviews.map(one => (
            <li key={one.number}>
              <strong>{one.model}</strong>:{' '}
              {trans.__('review %1 for %2', one.number, one.stage)} ·{' '}
              <span
                className={
                  one.hours !== null && one.hours < 0 ? 'jp-mlgov-mod-fail' : ''
                }
              >
                {reviewLeft(one, trans)}
              </span>
            </li>
          ))}
        </List>
      </Part>
    </>
  );
}

function Part(
  props: React.PropsWithChildren<{ title: string }>
): React.ReactElement {
  return (
    <section className="jp-mlgov-section" aria-label={props.title}>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

/** The items, how many more there are, or that there is none. */
function List(
  props: React.PropsWithChildren<{ total: number; trans: TranslationBundle }>
): React.ReactElement {
  const { total, trans } = props;
  const rest = total - React.Children.count(props.children);
  return total ? (
    <ul className="jp-mlgov-lines">
      {props.children}
      {rest > 0 ? (
        <li className="jp-mlgov-soft">{trans.__('and %1 more', rest)}</li>
      ) : null}
    </ul>
  ) : (
    <p>{trans.__('none')}</p>
  );
}

/** A figure: its value, what it was counted from, and on demand what it means. */
function Figure(props: {
  figure: IFigure;
  trans: TranslationBundle;
}): React.ReactElement {
  const { figure, trans } = props;
  const none = figure.value === null;
  return (
    <div className="jp-mlgov-figure" data-figure={figure.id}>
      <p>{told(figure.title, trans)}</p>
      <p
        className={`jp-mlgov-value ${none ? 'jp-mlgov-mod-unknown' : ''}`.trim()}
      >
        {figureValue(figure, trans)}
      </p>
      <p className="jp-mlgov-soft">{figureBasis(figure, trans)}</p>
      <details>
        <summary>{trans.__('What it means')}</summary>
        <p>{told(figure.says, trans)}</p>
        <p className="jp-mlgov-soft">
          {trans.__('The entries it came from:')}{' '}
          <code>{`mlgov portfolio entries ${figure.id}`}</code>
        </p>
      </details>
    </div>
  );
}

function First(
  props: IPortfolioProps & { rows: readonly IPortfolioRow[] }
): React.ReactElement {
  const { trans, rows, open } = props;
  if (!rows.length) {
    return <p>{trans.__('No model was in the trail by then.')}</p>;
  }
  const heads = [
    trans.__('Model'),
    trans.__('Tier'),
    trans.__('Stage'),
    trans.__('Verdict'),
    trans.__('Why')
  ];
  return (
    <div
      className="jp-mlgov-wide"
      tabIndex={0}
      role="region"
      aria-label={trans.__('Where to look first')}
    >
      <table className="jp-mlgov-table">
        <thead>
          <tr>
            {heads.map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.model}>
              <td>
                <ModelName row={row} open={open} />
              </td>
              <td>{tierWord(row, trans)}</td>
              <td>{stageWords(row, trans)}</td>
              <Verdict row={row} trans={trans} />
              <td>{why(row, trans)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A model's name; it opens its notebook where the trail names one. */
export function ModelName(props: {
  row: IPortfolioRow;
  open: (notebook: string) => void;
}): React.ReactElement {
  const { row, open } = props;
  return row.notebook ? (
    <button
      className="jp-mlgov-link"
      title={row.notebook}
      onClick={() => open(row.notebook)}
    >
      {row.model}
    </button>
  ) : (
    <span>{row.model}</span>
  );
}

/** The last verdict, or that there is none. */
export function Verdict(props: {
  row: IPortfolioRow;
  trans: TranslationBundle;
}): React.ReactElement {
  const { row, trans } = props;
  const { mark, word, role } = verdictMark(row.verdict, trans);
  return (
    <td className={`jp-mlgov-mod-${role}`}>
      {row.verdict ? `${mark} ${word}` : `? ${trans.__('not checked')}`}
    </td>
  );
}

/** Stage and version, or that it is in none. */
export function stageWords(
  row: IPortfolioRow,
  trans: TranslationBundle
): string {
  return row.stage
    ? [row.stage, row.version && `v${row.version}`].filter(Boolean).join(' · ')
    : trans.__('no stage');
}
