/* The inventory at one moment, a page at a time: of ten thousand models no more than a page is ever asked for or drawn. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IPortfolioPage, IPortfolioRow } from '../api/types';
import { useAsked } from './asked';
import { ModelName, stageWords, Verdict } from './portfolio';
import { minute, tierWord } from './words';

export const PAGE = 50;

export interface IInventoryProps {
  trans: TranslationBundle;
  moved: number;
  ask(query: Record<string, string>): Promise<IPortfolioPage>;
  open(notebook: string): void;
}

interface IShown {
  sort: string;
  order: 'up' | 'down';
  words: string;
  offset: number;
}

/** Columns whose natural order has the largest first. */
const LARGEST = ['attention', 'findings'];

export function Inventory(props: IInventoryProps): React.ReactElement {
  const { trans, ask, moved } = props;
  const [shown, setShown] = React.useState<IShown>({
    sort: 'attention',
    order: 'up',
    words: '',
    offset: 0
  });
  const { sort, order, words, offset } = shown;
  const { found, trouble } = useAsked<IPortfolioPage>(
    () =>
      ask({ sort, order, words, offset: String(offset), limit: String(PAGE) }),
    JSON.stringify(shown),
    moved
  );
  return (
    <>
      <input
        type="search"
        className="jp-mlgov-search"
        aria-label={trans.__('Find a model in the inventory')}
        placeholder={trans.__('Find a model in the inventory')}
        maxLength={200}
        value={words}
        onChange={event =>
          setShown({ ...shown, words: event.target.value, offset: 0 })
        }
      />
      {trouble ? (
        <p className="jp-mlgov-note jp-mlgov-mod-fail" role="alert">
          {[trouble.message, trouble.next].filter(Boolean).join(' ')}
        </p>
      ) : null}
      <div
        className="jp-mlgov-wide"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Inventory')}
      >
        <table className="jp-mlgov-table" data-testid="mlgov-inventory">
          <Head {...props} shown={shown} setShown={setShown} />
          <tbody>
            {(found?.rows ?? []).map(row => (
              <Row key={row.model} row={row} {...props} />
            ))}
          </tbody>
        </table>
      </div>
      <Pager {...{ trans, found, shown, setShown }} failed={trouble !== null} />
    </>
  );
}

function Head(
  props: IInventoryProps & { shown: IShown; setShown: (to: IShown) => void }
): React.ReactElement {
  const { trans, shown, setShown } = props;
  const columns: [string, string][] = [
    ['model', trans.__('Model')],
    ['tier', trans.__('Tier')],
    ['stage', trans.__('Stage')],
    ['verdict', trans.__('Verdict')],
    ['validated', trans.__('Validated')],
    ['findings', trans.__('Open findings')],
    ['due', trans.__('Review due')],
    ['', trans.__('Monitored')],
    ['attention', trans.__('Look first')]
  ];
  const turned = (sort: string) =>
    (shown.order === 'down') !== LARGEST.includes(sort);
  const by = (sort: string) =>
    setShown({
      ...shown,
      sort,
      order: shown.sort === sort && shown.order === 'up' ? 'down' : 'up',
      offset: 0
    });
  return (
    <thead>
      <tr>
        {columns.map(([sort, name]) =>
          sort ? (
            <th
              key={name}
              scope="col"
              aria-sort={
                shown.sort !== sort
                  ? 'none'
                  : turned(sort)
                    ? 'descending'
                    : 'ascending'
              }
            >
              <button className="jp-mlgov-link" onClick={() => by(sort)}>
                {name}
                {shown.sort === sort ? (turned(sort) ? ' ↓' : ' ↑') : ''}
              </button>
            </th>
          ) : (
            <th key={name} scope="col">
              {name}
            </th>
          )
        )}
      </tr>
    </thead>
  );
}

function Row(
  props: IInventoryProps & { row: IPortfolioRow }
): React.ReactElement {
  const { row, trans, open } = props;
  const known = row.findings !== null;
  return (
    <tr data-testid="mlgov-inventory-row">
      <td>
        <ModelName row={row} open={open} />
      </td>
      <td className={row.tier ? '' : 'jp-mlgov-mod-unknown'}>
        {tierWord(row, trans)}
      </td>
      <td>{stageWords(row, trans)}</td>
      <Verdict row={row} trans={trans} />
      <td>{row.validated ? minute(row.validated) : trans.__('never')}</td>
      <td className={known ? '' : 'jp-mlgov-mod-unknown'}>
        {known ? row.findings : trans.__('unknown')}
      </td>
      <td>
        {row.due
          ? minute(row.due)
          : row.reviews
            ? trans.__('the trail says no deadline')
            : '–'}
      </td>
      <td>{row.watched ? minute(row.watched) : trans.__('never')}</td>
      <td>{Math.round(row.score)}</td>
    </tr>
  );
}

function Pager(props: {
  trans: TranslationBundle;
  found: IPortfolioPage | null;
  failed: boolean;
  shown: IShown;
  setShown: (to: IShown) => void;
}): React.ReactElement {
  const { trans, found, shown, setShown, failed } = props;
  const { offset } = shown;
  const total = found?.models ?? 0;
  const last = Math.min(total, offset + PAGE);
  const turn = (by: number) =>
    setShown({ ...shown, offset: Math.max(0, offset + by) });
  return (
    <div className="jp-mlgov-pager">
      <button
        className="jp-mlgov-button"
        disabled={offset === 0}
        onClick={() => turn(-PAGE)}
      >
        {trans.__('Previous page')}
      </button>
      <button
        className="jp-mlgov-button"
        disabled={last >= total}
        onClick={() => turn(PAGE)}
      >
        {trans.__('Next page')}
      </button>
      <span role="status" data-testid="mlgov-inventory-page">
        {!found
          ? failed
            ? ''
            : trans.__('Reading the record…')
          : total
            ? trans.__('%1–%2 of %3 models', offset + 1, last, total)
            : trans.__('No model fits.')}
      </span>
    </div>
  );
}
