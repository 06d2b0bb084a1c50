import React, { act } from 'react';
import { createRoot } from 'react-dom/client';
import type { IReason } from '../api/types';
import { Trail } from '../audit/trail';
import { Steps } from '../lineage/steps';
import { Suggestions } from '../lineage/suggestions';
import { Panel } from '../panel/view';
import { Review } from '../promotion/review';
import { isMagic, Why } from '../promotion/why';
import type { IState } from '../state/model';
import { CommandIDs, ISection } from '../state/tokens';
import { Checks } from '../validation/checks';
import { chosen } from '../validation/words';
import { HOSTILE, report, state, step, trans, view } from './samples';

const deeds: string[] = [];
const answers: Record<string, unknown> = {};
const actions = {
  goTo: (cell: string) => void deeds.push(`goTo ${cell}`),
  run: (command: string, args?: object) =>
    void deeds.push(`run ${command}${args ? ` ${JSON.stringify(args)}` : ''}`),
  open: (section: string) => void deeds.push(`open ${section}`),
  ask: <T,>(route: string) => {
    deeds.push(`ask ${route}`);
    return answers[route]
      ? Promise.resolve(answers[route] as T)
      : Promise.reject(new Error(`no ${route}`));
  },
  send: <T,>(route: string, body: object) => {
    deeds.push(`send ${route} ${JSON.stringify(body)}`);
    return Promise.resolve({} as T);
  },
  refresh: () => void deeds.push('refresh')
};
const sections: ISection[] = [
  {
    id: 'steps',
    label: 'Steps',
    rank: 1,
    unread: 'whole',
    render: p => <Steps {...p} />
  },
  { id: 'checks', label: 'Checks', rank: 2, render: p => <Checks {...p} /> },
  {
    id: 'why',
    label: 'Why',
    rank: 3,
    count: now => now.view?.why.length ?? 0,
    render: p => <Why {...p} />
  },
  { id: 'review', label: 'Review', rank: 4, render: p => <Review {...p} /> },
  {
    id: 'trail',
    label: 'Trail',
    rank: 5,
    unread: 'below',
    render: p => <Trail {...p} />
  },
  {
    id: 'suggestions',
    label: 'Suggestions',
    rank: 6,
    render: p => <Suggestions {...p} />
  }
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

  it('says in no section that nothing is there, where the record cannot be read', () => {
    const problem = 'Entry 49 was changed.';
    const now = state({ view: view({ workspace: 'w', problem }) });
    for (const section of ['checks', 'why', 'review', 'trail']) {
      const host = drawn(now, section);
      const said = host.querySelector('[data-testid=mlgov-unreadable]');
      expect(said?.textContent, section).toContain(problem);
      expect(host.textContent, section).not.toMatch(/yet|empty/);
    }
    expect(drawn(now, 'trail').textContent).toContain('Verify the trail');
    expect(
      drawn(now, 'steps').querySelectorAll('[data-testid=mlgov-unreadable]')
    ).toHaveLength(0);
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
    expect(deeds).toEqual(['open suggestions']);
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
      stale: '',
      waived: '',
      alone: '',
      alone_summary: '',
      cell: ''
    },
    {
      validator: 'x',
      title: 'X',
      verdict: 'nonsense',
      severity: 'low',
      summary: '',
      stale: 'the model changed',
      waived: '',
      alone: '',
      alone_summary: '',
      cell: ''
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

/** Let promises that are already settled do their work. */
const settled = () => act(async () => void (await Promise.resolve()));

describe('what one may', () => {
  it('is said where one may only look, and nothing can be run', () => {
    const host = drawn(state({ rights: ['read'] }));
    expect(host.textContent).toContain('You may look here, not run or review.');
    const button = host.querySelector<HTMLButtonElement>(
      '[data-testid=mlgov-validate]'
    );
    expect(button?.disabled).toBe(true);
  });

  it('says that news stopped', () => {
    expect(drawn(state({ live: false })).textContent).toContain(
      'No news from the server'
    );
  });
});

describe('Checks, further', () => {
  const checks = [
    {
      validator: 'fair.air',
      title: 'Adverse impact ratio',
      verdict: 'fail',
      severity: 'critical',
      summary: 'too low',
      stale: '',
      waived: '',
      alone: '',
      alone_summary: '',
      cell: ''
    },
    {
      validator: 'priv.pii',
      title: 'Personal data',
      verdict: 'pass',
      severity: 'high',
      summary: 'none',
      stale: 'x',
      waived: '',
      alone: '',
      alone_summary: '',
      cell: ''
    }
  ];
  const now = () => state({ view: view({ checks, report: 'sha256:1' }) });

  it('shows one verdict alone, and all again', () => {
    const host = drawn(now(), 'checks');
    const rows = () =>
      [...host.querySelectorAll('[data-testid=mlgov-check]')].map(
        row => (row as HTMLElement).dataset.verdict
      );
    click(host, 'failed');
    expect(rows()).toEqual(['fail']);
    click(host, 'failed');
    expect(rows()).toEqual(['fail', 'pass']);
  });

  it('shows a check measured alone beside its report, not in its place', () => {
    const alone = { alone: 'pass', alone_summary: `0.93 ${HOSTILE}` };
    const shown = { ...checks[0], ...alone, stale: 'a cell changed' };
    const host = drawn(
      state({ view: view({ report: 'r', checks: [shown] }) }),
      'checks'
    );
    const row = host.querySelector('[data-testid=mlgov-check]');
    expect(row?.getAttribute('data-verdict')).toBe(checks[0].verdict);
    expect(row?.textContent).toContain('measured alone since: passed');
    expect(row?.textContent).toContain(HOSTILE);
    expect(row?.textContent).toContain('The gate asks for a whole report.');
  });

  it('runs the ticked checks, and says stop while something runs', () => {
    const host = drawn(now(), 'checks');
    const ticks = host.querySelectorAll<HTMLInputElement>(
      'li input[type=checkbox]'
    );
    act(() => ticks[1].click());
    click(host, 'Run selected (1)');
    expect(deeds).toEqual([`run ${CommandIDs.validate} {"only":["priv.pii"]}`]);
    const busy = drawn({ ...now(), work: '1/2 x' }, 'checks');
    click(busy, 'Stop');
    expect(deeds).toEqual([`run ${CommandIDs.stop}`]);
  });

  it('opens to numbers, control, evidence and fix of the report, asked for once', async () => {
    answers.report = report();
    const host = drawn(now(), 'checks');
    expect(deeds).not.toContain('ask report');
    const fold = host.querySelector<HTMLDetailsElement>('details');
    deeds.length = 0;
    await act(async () => {
      if (fold) {
        fold.open = true;
        fold.dispatchEvent(new Event('toggle', { bubbles: true }));
      }
    });
    await settled();
    expect(deeds).toEqual(['ask report']);
    expect(fold?.textContent).toContain('measured 0.7792');
    expect(fold?.textContent).toContain('FAIR.AIR.1');
  });

  it('puts nothing but ids of validators into the magic', () => {
    expect(chosen(['fair.air', 'x; rm -rf /', 3, '--quiet x', ''])).toEqual([
      'fair.air'
    ]);
    expect(chosen('fair.air')).toEqual([]);
  });
});

describe('Suggestions', () => {
  const cells = ['a', 'b', 'c'].map((id, at) => ({
    id,
    label: id === 'c' ? 'train' : '',
    prompt: at + 1
  }));
  const found = [
    { cell: 'a', kind: 'data', why: 'it calls `read_csv`', others: [] },
    { cell: 'b', kind: 'evaluate', why: HOSTILE, others: ['report'] },
    { cell: 'c', kind: 'train', why: 'it fits', others: [] }
  ];

  it('tags the sure ones at once, the unsure one as chosen, and leaves tagged cells alone', async () => {
    answers.suggestions = [
      ...found,
      { cell: 'd', kind: 'data', why: 'gone', others: [] }
    ];
    const host = drawn(state({ cells }), 'suggestions');
    await settled();
    const shown = host.querySelectorAll('[data-testid=mlgov-suggestion]');
    expect(shown.length).toBe(2);
    click(host, 'Tag it');
    expect(deeds).toEqual([
      `run ${CommandIDs.tagCell} {"kind":"data","cell":"a"}`
    ]);
    click(host, 'Tag as report');
    expect(deeds).toEqual([
      `run ${CommandIDs.tagCell} {"kind":"report","cell":"b"}`
    ]);
    expect(host.querySelector('script')).toBeNull();
  });

  it('takes a no for an answer', async () => {
    answers.suggestions = found.slice(0, 1);
    const host = drawn(state({ cells }), 'suggestions');
    await settled();
    click(host, 'Not a step');
    expect(host.querySelector('[data-testid=mlgov-suggestion]')).toBeNull();
  });
});

describe('Trail, further', () => {
  it('says what was proven, broken and not proven', async () => {
    answers.verify = {
      ok: false,
      sentence: 'Entry 3 was changed.',
      proven: ['2 entries'],
      broken: [HOSTILE],
      unproven: ['no anchor'],
      cannot_see: 'What was never written.'
    };
    const trail = [
      { seq: 1, time: '2026-11-23T14:02:07Z', sentence: 'made', digest: 'd' }
    ];
    const host = drawn(state({ view: view({ trail }) }), 'trail');
    click(host, 'Verify the trail');
    await settled();
    const said = host.querySelector('[data-testid=mlgov-verify]');
    for (const words of ['✕ Entry 3', '✓ 2 entries', '? no anchor', HOSTILE]) {
      expect(said?.textContent).toContain(words);
    }
    expect(host.querySelector('script')).toBeNull();
  });
});

describe('the fix of a reason', () => {
  const fix = {
    kind: 'insert-cell' as const,
    cells: [],
    code: '',
    command: '',
    people: []
  };
  const shown = (part: Partial<NonNullable<IReason['fix']>>) =>
    drawn(
      state({
        view: view({
          report: 'r',
          team_file: 'by_sex/mlgov.toml',
          why: [{ ...reason, fix: { ...fix, ...part } }]
        }),
        cells: [{ id: 'train', label: 'train', prompt: 5 }]
      }),
      'why'
    );

  it('runs a cell, inserts one that asks, or leads to the people', () => {
    click(shown({ kind: 'run-cell', cells: ['train', 'gone'] }), 'Run cell');
    expect(deeds).toEqual([`run ${CommandIDs.runCells} {"cells":["train"]}`]);
    click(shown({ code: '%mlgov validate' }), 'Insert and run');
    expect(deeds).toEqual([
      `run ${CommandIDs.insert} {"code":"%mlgov validate","run":true}`
    ]);
    click(shown({ kind: 'ask-person' }), 'Open review');
    expect(deeds).toEqual(['open review']);
  });

  it('turns a command of ours that looks or measures into a cell, and copies every other', () => {
    const fresh = {
      kind: 'command' as const,
      command: 'mlgov validate --fresh'
    };
    click(shown(fresh), 'Insert and run');
    expect(deeds).toEqual([
      `run ${CommandIDs.insert} {"code":"%mlgov validate --fresh","run":true}`
    ]);
    const push = { kind: 'command' as const, command: 'dvc push' };
    expect(shown(push).textContent).toContain('Copy command');
    const promote = {
      kind: 'command' as const,
      command: 'mlgov promote staging'
    };
    expect(shown(promote).textContent).not.toContain('Insert and run');
  });

  it('opens the team file where something is to be declared, and restarts where names linger', () => {
    click(shown({ kind: 'team-file' }), 'Open mlgov.toml');
    expect(deeds).toEqual([
      `run ${CommandIDs.openFile} {"file":"by_sex/mlgov.toml"}`
    ]);
    click(shown({ kind: 'restart' }), 'Restart and run all');
    expect(deeds).toEqual([`run ${CommandIDs.restart}`]);
  });

  it('inserts a declaration without running it', () => {
    click(shown({ code: 'sensitive = "white"' }), 'Insert a cell');
    expect(deeds).toEqual([
      `run ${CommandIDs.insert} {"code":"sensitive = \\"white\\"","run":false}`
    ]);
  });

  it('never runs anything but a magic that looks or measures', () => {
    for (const code of [
      '%mlgov promote staging',
      '!rm -rf /',
      '%mlgov validate; rm',
      '%mlgov validate\nimport os'
    ]) {
      expect(isMagic(code)).toBe(false);
      expect(shown({ code }).textContent).not.toContain('Insert and run');
    }
  });
});
