/* The models of the workspace as a table that holds any number of them: only the rows in view are asked for and drawn. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { ITrouble, Refusal } from '../api/request';
import type { IModelPage, IModelRow } from '../api/types';
import { verdictMark } from '../state/words';
import { trafficMark } from './traffic';

const ROW = 28;
const PAGE = 100;

export interface IModelsProps {
  trans: TranslationBundle;
  /** Grows when the record moved: what is shown is then read again. */
  moved: number;
  ask(query: Record<string, string>): Promise<IModelPage>;
  open(notebook: string): void;
}

interface IShown {
  sort: string;
  order: 'up' | 'down';
  words: string;
}

type Pages = ReadonlyMap<number, readonly IModelRow[]>;

export function Models(props: IModelsProps): React.ReactElement {
  const { trans } = props;
  const [shown, setShown] = React.useState<IShown>({
    sort: 'model',
    order: 'up',
    words: ''
  });
  const { pages, total, trouble, want } = usePages(props, shown);
  const by = (sort: string) =>
    setShown({
      ...shown,
      sort,
      order: shown.sort === sort && shown.order === 'up' ? 'down' : 'up'
    });
  return (
    <>
      <header className="jp-mlgov-head">
        <h2>{trans.__('Models')}</h2>
        <span className="jp-mlgov-name" role="status">
          {total === null
            ? trans.__('Reading the record…')
            : trans._n('%1 model', '%1 models', total)}
        </span>
        <input
          type="search"
          className="jp-mlgov-search"
          aria-label={trans.__('Find a model')}
          placeholder={trans.__('Find a model')}
          value={shown.words}
          onChange={event => setShown({ ...shown, words: event.target.value })}
        />
      </header>
      {trouble ? (
        <p
          className="jp-mlgov-note jp-mlgov-mod-fail"
          role="alert"
          data-testid="mlgov-models-trouble"
        >
          {[trouble.message, trouble.next].filter(Boolean).join(' ')}
        </p>
      ) : null}
      {total === 0 && !trouble ? (
        <p className="jp-mlgov-empty">
          {shown.words
            ? trans.__('No model fits.')
            : trans.__('No model was validated in this workspace yet.')}
        </p>
      ) : null}
      <Table {...props} {...{ shown, by, pages, want }} total={total ?? 0} />
    </>
  );
}

/** The pages in view, read again when what is shown changes or the record moved. */
function usePages(
  props: IModelsProps,
  shown: IShown
): {
  pages: Pages;
  total: number | null;
  trouble: ITrouble | null;
  want: (page: number) => void;
} {
  const [pages, setPages] = React.useState<Pages>(new Map());
  const [total, setTotal] = React.useState<number | null>(null);
  const [trouble, setTrouble] = React.useState<ITrouble | null>(null);
  const round = React.useRef(0);
  const asked = React.useRef(new Set<number>());
  const want = (page: number) => {
    if (asked.current.has(page)) {
      return;
    }
    asked.current.add(page);
    const mine = round.current;
    props
      .ask({
        ...shown,
        offset: String(page * PAGE),
        limit: String(PAGE)
      })
      .then(found => {
        if (mine === round.current) {
          setTotal(found.models);
          setTrouble(null);
          setPages(before => new Map(before).set(page, found.rows));
        }
      })
      .catch((error: unknown) => {
        if (mine === round.current) {
          setTrouble(
            error instanceof Refusal
              ? error.trouble
              : { message: String(error), expected: '', next: '' }
          );
        }
      });
  };
  React.useEffect(() => {
    round.current += 1;
    asked.current = new Set();
    setPages(new Map());
    want(0);
  }, [shown.sort, shown.order, shown.words, props.moved]);
  return { pages, total, trouble, want };
}

function Table(
  props: IModelsProps & {
    shown: IShown;
    by: (sort: string) => void;
    pages: Pages;
    want: (page: number) => void;
    total: number;
  }
): React.ReactElement {
  const { trans, shown, by, pages, want, total } = props;
  const [top, setTop] = React.useState(0);
  const [height, setHeight] = React.useState(600);
  const first = Math.max(0, Math.floor(top / ROW) - 5);
  const last = Math.min(total, Math.ceil((top + height) / ROW) + 5);
  React.useEffect(() => {
    for (
      let page = Math.floor(first / PAGE);
      total && page <= Math.floor((last - 1) / PAGE);
      page++
    ) {
      want(page);
    }
  });
  const columns: [string, string][] = [
    ['model', trans.__('Model')],
    ['tier', trans.__('Tier')],
    ['stage', trans.__('Stage')],
    ['verdict', trans.__('Verdict')],
    ['review', trans.__('Review')],
    ['traffic', trans.__('Traffic')],
    ['reproduced', trans.__('Reproduced')],
    ['moved', trans.__('Last entry')]
  ];
  const rows = [];
  for (let at = first; at < last; at++) {
    const row = pages.get(Math.floor(at / PAGE))?.[at % PAGE];
    rows.push(<Row key={at} {...props} at={at} row={row ?? null} />);
  }
  return (
    <div
      role="table"
      aria-label={trans.__('Models')}
      aria-rowcount={total + 1}
      className="jp-mlgov-models"
    >
      <div role="row" aria-rowindex={1} className="jp-mlgov-models-row">
        {columns.map(([id, name]) => (
          <div
            key={id}
            role="columnheader"
            aria-sort={
              shown.sort !== id
                ? 'none'
                : shown.order === 'up'
                  ? 'ascending'
                  : 'descending'
            }
          >
            <button className="jp-mlgov-link" onClick={() => by(id)}>
              {name}
              {shown.sort === id ? (shown.order === 'up' ? ' ↑' : ' ↓') : ''}
            </button>
          </div>
        ))}
      </div>
      <div
        role="rowgroup"
        tabIndex={0}
        className="jp-mlgov-models-body"
        data-testid="mlgov-models"
        onScroll={event => {
          setTop(event.currentTarget.scrollTop);
          setHeight(event.currentTarget.clientHeight);
        }}
      >
        <div role="presentation" style={{ height: total * ROW }}>
          {rows}
        </div>
      </div>
    </div>
  );
}

function Row(
  props: IModelsProps & { at: number; row: IModelRow | null }
): React.ReactElement {
  const { at, row, trans, open } = props;
  const { mark, word, role } = verdictMark(row?.verdict ?? '', trans);
  const traffic = trafficMark(row?.traffic ?? '', trans);
  return (
    <div
      role="row"
      aria-rowindex={at + 2}
      className="jp-mlgov-models-row"
      data-testid="mlgov-model"
      style={{ top: at * ROW }}
    >
      {row ? (
        <>
          <div role="cell">
            <button
              className="jp-mlgov-link"
              title={row.notebook}
              onClick={() => open(row.notebook)}
            >
              {row.model}
            </button>
          </div>
          <div role="cell">{row.tier}</div>
          <div role="cell">
            {[row.stage, row.version && `v${row.version}`]
              .filter(Boolean)
              .join(' · ')}
          </div>
          <div role="cell" className={`jp-mlgov-mod-${role}`}>
            {row.verdict ? `${mark} ${word}` : trans.__('not checked')}
          </div>
          <div role="cell">{reviewed(row, trans)}</div>
          <div
            role="cell"
            className={`jp-mlgov-mod-${traffic.role}`}
            title={row.traffic_said}
            data-testid="mlgov-model-traffic"
          >
            {row.traffic ? `${traffic.mark} ${traffic.word}` : '–'}
            {row.traffic === 'canary' ? ` ${row.traffic_share} %` : ''}
          </div>
          <div role="cell">
            {row.reproduced
              ? `${row.reproduced} · ${day(row.reproduced_at)}`
              : trans.__('never')}
          </div>
          <div role="cell" className="jp-mlgov-soft">
            {row.moved.slice(0, 16).replace('T', ' ')}
          </div>
        </>
      ) : (
        <div role="cell" className="jp-mlgov-soft">
          {trans.__('reading…')}
        </div>
      )}
    </div>
  );
}

/** The state of the review, and while somebody waits, for how long. */
function reviewed(row: IModelRow, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    asked: trans.__('waits'),
    claimed: trans.__('being read'),
    approved: trans.__('approved'),
    refused: trans.__('refused')
  };
  if (!row.review) {
    return '–';
  }
  const waits = row.review === 'asked' || row.review === 'claimed';
  const since = waits ? waited(row.review_since) : day(row.review_since);
  return `${words[row.review] ?? row.review} · ${since}`;
}

/** `3 d` or `5 h` since a moment. */
function waited(since: string): string {
  const hours = Math.max(0, (Date.now() - Date.parse(since)) / 3_600_000);
  return hours >= 48 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours)} h`;
}

function day(time: string): string {
  return time.slice(0, 10);
}
