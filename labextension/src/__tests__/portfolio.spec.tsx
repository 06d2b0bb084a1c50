import React, { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Refusal } from '../api/request';
import type {
  IFigure,
  IPortfolioPage,
  IPortfolioRow,
  IPortfolioView
} from '../api/types';
import { Dashboard } from '../monitoring/dashboard';
import { figureBasis, figureValue, why } from '../monitoring/words';
import { HOSTILE, trans } from './samples';

const FIGURE: IFigure = {
  id: 'rollback-success',
  title: 'Rollbacks that worked',
  kind: 'share',
  n: 0,
  good: 0,
  value: null,
  mean: null,
  longest: null,
  of: 'rollbacks that were asked for; drills are none',
  says: 'Of these, a share.',
  source: 'reference case'
};

const ROW: IPortfolioRow = {
  model: HOSTILE,
  notebook: '',
  tier: 0,
  declared: false,
  stage: '',
  version: '',
  verdict: '',
  validated: '',
  findings: null,
  reviews: 1,
  due: '',
  watched: '',
  days: 12.4,
  score: 37.2
};

const VIEW: IPortfolioView = {
  moment: '2026-06-30T23:59:59.999999Z',
  as_of: '',
  entries: 9,
  models: 10_000,
  validated: 1,
  figures: [FIGURE],
  rule: 'Gravest first.',
  first: [ROW],
  findings: [
    {
      model: 'm',
      tier: 1,
      what: HOSTILE,
      severity: '',
      due: '2026-06-01',
      days: 29,
      open_days: 40
    }
  ],
  findings_in_all: 3,
  overdue: 2,
  reviews: [
    { model: 'm', tier: 1, number: 7, stage: 'staging', due: '', hours: null }
  ],
  reviews_in_all: 1,
  coming: [
    {
      date: '2027-12-02',
      days: 520,
      title: 'AI Act',
      controls: 4,
      closes: 2,
      names: ['m'],
      unchecked: 0,
      clear: 0,
      unjudged: 1
    }
  ]
};

type Query = Record<string, string>;

/** The dashboard on its portfolio, and every question that it asked. */
async function opened(
  answer: (query: Query) => Promise<IPortfolioView>
): Promise<{ host: HTMLElement; asked: [string, Query][] }> {
  (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  const asked: [string, Query][] = [];
  const ask = (route: string, query: Query): Promise<unknown> => {
    asked.push([route, query]);
    const page: IPortfolioPage = {
      moment: VIEW.moment,
      entries: 9,
      models: 10_000,
      rows: Array.from({ length: 50 }, (_, at) => ({
        ...ROW,
        model: `m${at}`
      }))
    };
    return route === 'portfolio'
      ? answer(query)
      : route === 'portfolio/models'
        ? Promise.resolve(page)
        : Promise.resolve({ rows: [], models: 0, entries: 0 });
  };
  await act(async () =>
    createRoot(host).render(
      <Dashboard
        trans={trans}
        moved={0}
        open={() => undefined}
        ask={ask as Parameters<typeof Dashboard>[0]['ask']}
      />
    )
  );
  const [models] = host.querySelectorAll<HTMLElement>('[role=tab]');
  await act(async () => {
    models.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true })
    );
  });
  return { host, asked };
}

/** The first element that fits; a test without it fails here. */
function the<T extends Element = HTMLElement>(
  host: HTMLElement,
  selector: string
): T {
  const found = host.querySelector<T>(selector);
  if (!found) {
    throw new Error(`Nothing is ${selector}.`);
  }
  return found;
}

async function choose(host: HTMLElement, day: string): Promise<void> {
  const input = the<HTMLInputElement>(host, '.jp-mlgov-as-of input');
  const value = Object.getOwnPropertyDescriptor(
    HTMLInputElement.prototype,
    'value'
  );
  await act(async () => {
    value?.set?.call(input, day);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await act(async () => {
    the(host, 'form').dispatchEvent(
      new Event('submit', { bubbles: true, cancelable: true })
    );
  });
}

async function click(host: HTMLElement, name: string): Promise<void> {
  const button = [...host.querySelectorAll('button')].find(
    one => one.textContent === name
  );
  expect(button?.disabled).toBe(false);
  await act(async () => button?.click());
}

describe('the portfolio in the dashboard', () => {
  it('is the second tab, by the arrow key, and says the moment in words', async () => {
    const { host } = await opened(() => Promise.resolve(VIEW));
    const [, tab] = host.querySelectorAll('[role=tab]');
    expect(tab.getAttribute('aria-selected')).toBe('true');
    expect(document.activeElement).toBe(tab);
    expect(the(host, '[role=status]').textContent).toBe(
      'Now, 2026-06-30 23:59 UTC, after 9 entries of the trail: 10000 models.'
    );
  });

  it('says what nobody knows as unknown, never as nothing or as a per cent', async () => {
    const { host } = await opened(() => Promise.resolve(VIEW));
    const figure = the(host, '[data-figure=rollback-success]');
    expect(figure.textContent).toContain('no data');
    expect(figure.textContent).toContain('nothing to count: no rollbacks');
    expect(figure.textContent).not.toMatch(/\d %/);
    const cells = [
      ...host.querySelectorAll('[data-testid=mlgov-inventory-row]')
    ][0].querySelectorAll('td');
    expect([...cells].map(cell => cell.textContent)).toEqual([
      'm0',
      'tier unknown',
      'no stage',
      '? not checked',
      'never',
      'unknown',
      'the trail says no deadline',
      'never',
      '37'
    ]);
    expect(host.textContent).toContain('severity unknown');
    expect(host.textContent).toContain('Findings: 3 open, 2 overdue');
    expect(host.textContent).toContain('and 2 more');
    expect(host.textContent).toContain('closes 2 models');
  });

  it('shows hostile names as text', async () => {
    const { host } = await opened(() => Promise.resolve(VIEW));
    expect(host.textContent).toContain(HOSTILE);
    expect(host.querySelector('script')).toBeNull();
  });

  it('asks for one page of ten thousand, then the next, each of the day that was chosen', async () => {
    const { host, asked } = await opened(query =>
      Promise.resolve({ ...VIEW, as_of: query.as_of })
    );
    await choose(host, '2026-06-30');
    expect(the(host, '[role=status]').textContent).toContain(
      'As it stood on 2026-06-30 23:59 UTC'
    );
    await click(host, 'Next page');
    const pages = asked.filter(([route]) => route === 'portfolio/models');
    expect(pages.map(([, query]) => [query.as_of, query.offset])).toEqual([
      ['', '0'],
      ['2026-06-30', '0'],
      ['2026-06-30', '50']
    ]);
    expect(new Set(pages.map(([, query]) => query.limit))).toEqual(
      new Set(['50'])
    );
    await click(host, 'Show now');
    expect(asked[asked.length - 2]).toEqual(['portfolio', { as_of: '' }]);
  });

  it('shows the sentence about a wrong day, and no figure of another day beside it', async () => {
    const { host } = await opened(query =>
      query.as_of
        ? Promise.reject(
            new Refusal({
              message: "'soon' is no date.",
              expected: 'Expected 2026-06-30.',
              next: ''
            })
          )
        : Promise.resolve(VIEW)
    );
    await choose(host, 'soon');
    expect(the(host, '[role=alert]').textContent).toBe(
      "'soon' is no date. Expected 2026-06-30."
    );
    expect(host.querySelector('[data-figure]')).toBeNull();
    expect(host.querySelector('[data-testid=mlgov-inventory]')).toBeNull();
  });

  it('reads a late answer about the old day for nothing', async () => {
    const late: ((view: IPortfolioView) => void)[] = [];
    const { host } = await opened(query =>
      query.as_of
        ? Promise.resolve({ ...VIEW, as_of: query.as_of, models: 3 })
        : new Promise(resolve => late.push(resolve))
    );
    await choose(host, '2026-06-30');
    await act(async () => late.forEach(answer => answer(VIEW)));
    expect(the(host, '[role=status]').textContent).toContain('3 models');
  });
});

describe('its numbers', () => {
  const share = (value: number) =>
    figureValue({ ...FIGURE, n: 10_000, value }, trans);

  it('never rounds to nothing or to everything', () => {
    expect([
      share(0),
      share(0.0001),
      share(0.9333),
      share(0.9999),
      share(1)
    ]).toEqual(['0.0 %', 'under 0.1 %', '93.3 %', 'over 99.9 %', '100.0 %']);
  });

  it('say what they were counted from', () => {
    const part = { n: 15, good: 14, value: 14 / 15 };
    expect(figureBasis({ ...FIGURE, ...part }, trans)).toBe(
      '14 of 15 rollbacks that were asked for; drills are none'
    );
    const hours: IFigure = {
      ...FIGURE,
      kind: 'hours',
      n: 2,
      value: 80,
      mean: 80,
      longest: 96
    };
    expect(figureValue(hours, trans)).toBe('3.3 d');
    expect(figureBasis(hours, trans)).toContain('mean 3.3 d, longest 4.0 d');
  });

  it('say why a model comes first', () => {
    expect(why({ ...ROW, findings: 1, verdict: 'fail' }, trans)).toBe(
      'never validated, known for 12 days; its tier is not known, so it counts as tier 1; the newest report says: failed; 1 open finding'
    );
  });
});
