import React, { act } from 'react';
import { createRoot } from 'react-dom/client';
import type { IReason } from '../api/types';
import { Trail } from '../audit/trail';
import { Steps } from '../lineage/steps';
import { Panel } from '../panel/view';
import { Why } from '../promotion/why';
import type { IState } from '../state/model';
import { CommandIDs, ISection } from '../state/tokens';
import { Checks } from '../validation/checks';
import { HOSTILE, state, step, trans, view } from './samples';

const deeds: string[] = [];
const actions = {
  goTo: (cell: string) => void deeds.push(`goTo ${cell}`),
  run: (command: string) => void deeds.push(`run ${command}`),
  open: (section: string) => void deeds.push(`open ${section}`)
};
const sections: ISection[] = [
  { id: 'steps', label: 'Steps', rank: 1, render: p => <Steps {...p} /> },
  { id: 'checks', label: 'Checks', rank: 2, render: p => <Checks {...p} /> },
  {
    id: 'why',
    label: 'Why',
    rank: 3,
    count: now => now.view?.why.length ?? 0,
    render: p => <Why {...p} />
  },
  { id: 'trail', label: 'Trail', rank: 4, render: p => <Trail {...p} /> }
];

function drawn(now: IState, open = 'steps'): HTMLElement {
  (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  act(() =>
    createRoot(host).render(
      <Panel
        state={now}
        sections={sections}
        open={open}
        trans={trans}
        actions={actions}
        commands={CommandIDs}
      />
    )
  );
  return host;
}

function click(host: HTMLElement, words: string): void {
  const button = [...host.querySelectorAll('button')].find(item =>
    item.textContent?.includes(words)
  );
  deeds.length = 0;
  act(() => button?.click());
}

const reason: IReason = {
  code: 'check',
  sentence: `Rates differ by \`${HOSTILE}\``,
  next: 'Run `%mlgov validate`',
  severity: 'critical',
  validator: 'fair.air',
  cell: 'train',
  fix: { kind: 'command', cells: [], code: '', command: '', people: [] }
};

describe('the panel', () => {
  it('says what to do when no notebook is open', () => {
    expect(drawn(state({ path: null })).textContent).toContain(
      'Open a notebook'
    );
  });

  it('says that it reads, before the first answer', () => {
    const host = drawn(state({ view: null, loading: true }));
    expect(host.querySelector('[role=status]')?.textContent).toContain(
      'Reading the record'
    );
  });

  it('says what failed, what still works, and tries again', () => {
    const host = drawn(
      state({
        view: null,
        trouble: {
          message: 'The database is locked.',
          expected: '',
          next: 'Wait.'
        }
      })
    );
    const alert = host.querySelector('[role=alert]')?.textContent;
    expect(alert).toContain('The database is locked.');
    expect(alert).toContain('still works');
    click(host, 'Try again');
    expect(deeds).toEqual([`run ${CommandIDs.refresh}`]);
  });

  it('cannot validate without a kernel, and says so', () => {
    const host = drawn(state({ kernel: 'none' }));
    const button = host.querySelector<HTMLButtonElement>(
      '[data-testid=mlgov-validate]'
    );
    expect(button?.disabled).toBe(true);
    expect(host.textContent).toContain('No kernel');
  });

  it('says that a read-only notebook cannot be tagged', () => {
    const host = drawn(state({ readOnly: true }));
    expect(host.textContent).toContain('read-only');
    const tag = [...host.querySelectorAll('button')].find(item =>
      item.textContent?.includes('Tag the active')
    );
    expect(tag?.disabled).toBe(true);
  });

  it('shows what the kernel does, and its complaint as text', () => {
    const host = drawn(state({ work: '2/7 fair.air', complaint: HOSTILE }));
    expect(host.querySelector('[data-testid=mlgov-work]')?.textContent).toBe(
      '2/7 fair.air'
    );
    expect(
      host.querySelector('[data-testid=mlgov-complaint]')?.textContent
    ).toBe(HOSTILE);
    expect(host.querySelector('script')).toBeNull();
  });

  it('goes through the tabs by arrow keys', () => {
    const host = drawn(state());
    deeds.length = 0;
    act(() => {
      host
        .querySelector('[role=tablist]')
        ?.dispatchEvent(
          new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true })
        );
    });
    expect(deeds).toEqual(['open trail']);
  });
});

describe('Steps', () => {
  it('shows state, cell and reason, and brings the cell into view', () => {
    const host = drawn(
      state({
        view: view({
          steps: [
            step({ kind: 'data' }),
            step({ kind: 'train', state: 'stale', why: 'features ran later' })
          ]
        }),
        cells: [
          { id: 'data', label: 'data', prompt: 2 },
          { id: 'train', label: 'train', prompt: 5 }
        ]
      })
    );
    const [data, train] = host.querySelectorAll('[data-testid=mlgov-step]');
    expect(data.textContent).toContain('✓');
    expect(data.textContent).toContain('[2]');
    expect(train.textContent).toContain('↻');
    expect(train.textContent).toContain('features ran later');
    click(host, 'train');
    expect(deeds).toEqual(['goTo train']);
    click(host, 'Run it');
    expect(deeds).toEqual([`run ${CommandIDs.runStale}`]);
  });

  it('offers to start recording where there is no workspace', () => {
    const host = drawn(
      state({
        view: view({ workspace: '', gate: '', problem: 'No workspace.' })
      })
    );
    expect(host.textContent).toContain('No workspace.');
    click(host, 'Start recording');
    expect(deeds).toEqual([`run ${CommandIDs.record}`]);
  });
});

describe('Checks', () => {
  const checks = [
    {
      validator: 'fair.air',
      title: HOSTILE,
      verdict: 'fail',
      severity: 'critical',
      summary: 'ratio 0.78',
      stale: ''
    },
    {
      validator: 'x',
      title: 'X',
      verdict: 'nonsense',
      severity: 'low',
      summary: '',
      stale: 'the model changed'
    }
  ];

  it('shows verdicts with mark and word in the order sent, hostile names as text', () => {
    const host = drawn(
      state({ view: view({ checks, report: 'sha256:1', unchecked: 3 }) }),
      'checks'
    );
    const rows = host.querySelectorAll('[data-testid=mlgov-check]');
    expect(rows[0].textContent).toContain('✕');
    expect(rows[0].textContent).toContain('failed');
    expect(rows[0].textContent).toContain(HOSTILE);
    expect(rows[1].textContent).toContain('was: nonsense');
    expect(host.querySelector('script')).toBeNull();
    expect(host.textContent).toContain('3 controls are not checked here');
    expect(host.textContent).toContain('stale: the model changed');
  });

  it('asks for the first validation', () => {
    click(drawn(state(), 'checks'), 'Run all checks');
    expect(deeds).toEqual([`run ${CommandIDs.validate}`]);
  });
});

describe('Why', () => {
  it('numbers the reasons, says what to type, and leads to check and cell', () => {
    const host = drawn(
      state({
        view: view({ why: [reason], report: 'r' }),
        cells: [{ id: 'train', label: 'train', prompt: 5 }]
      }),
      'why'
    );
    expect(host.textContent).toContain(
      '1 thing stands in the way of development → staging'
    );
    expect(
      [...host.querySelectorAll('code')].map(item => item.textContent)
    ).toEqual([HOSTILE, '%mlgov validate']);
    click(host, 'Open check');
    expect(deeds).toEqual(['open checks']);
    click(host, 'Show cell');
    expect(deeds).toEqual(['goTo train']);
    expect(host.querySelector('[role=tab] .jp-mlgov-count')?.textContent).toBe(
      ' 1'
    );
  });

  it('claims nothing where nothing is known', () => {
    const host = drawn(state({ view: view({ gate: '' }) }), 'why');
    expect(host.textContent).toContain('Nothing is known about a gate yet.');
  });
});

describe('Trail', () => {
  it('shows entries as sentences', () => {
    const trail = [
      { seq: 7, time: '2026-11-23T14:02:07Z', sentence: HOSTILE, digest: 'd' }
    ];
    const host = drawn(state({ view: view({ trail }) }), 'trail');
    const line = host.querySelector('[data-testid=mlgov-trail]');
    expect(line?.textContent).toContain(`7${HOSTILE}`);
    expect(host.querySelector('script')).toBeNull();
  });
});
