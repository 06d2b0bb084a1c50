import { gateOf, GovernanceModel, stepRows } from '../state/model';
import { chosenOf, Preferences, USUAL } from '../state/preferences';
import { Paced } from '../state/paced';
import { isKnown, kindOf, labelOf, nextTags } from '../state/tags';
import { statusText, verdictMark, whyNotRun } from '../state/words';
import { badgesOf } from '../lineage/badges';
import { troubleOf } from '../api/request';
import { line, state, step, trans, view } from './samples';

describe('tags', () => {
  it.each([
    [['a', 'mlgov:data'], 'train', ['a', 'mlgov:train']],
    [['mlgov:data', 'b', 'mlgov:train'], 'report', ['b', 'mlgov:report']],
    [['a', 'mlgov:data'], '', ['a']],
    [undefined, 'data', ['mlgov:data']],
    [[3, null, 'x'], '', ['x']],
    ['no list', '', []]
  ])('%j with step %j becomes %j', (tags, label, wanted) => {
    expect(nextTags(tags, label)).toEqual(wanted);
  });

  it('reads label and kind, and knows which kinds there are', () => {
    expect(labelOf(['x', 'mlgov:train:champion'])).toBe('train:champion');
    expect(kindOf('train:champion')).toBe('train');
    expect(labelOf(['mlgovernance'])).toBe('');
    expect(isKnown('train:champion')).toBe(true);
    expect(isKnown('trian')).toBe(false);
  });
});

describe('rows and badges', () => {
  const live = (id: string, label: string) => ({ id, label, prompt: 3 });

  it('puts recorded steps first and a tag that is not saved behind them', () => {
    const rows = stepRows(
      state({
        view: view({ steps: [step({ kind: 'train', state: 'stale' })] }),
        cells: [live('data', 'data'), live('train', 'train'), live('x', '')]
      })
    );
    expect(rows.map(row => [row.label, row.state])).toEqual([
      ['train', 'stale'],
      ['data', 'tagged']
    ]);
  });

  it('badges only cells that carry the tag now', () => {
    const badges = badgesOf(
      state({
        view: view({
          steps: [step({ kind: 'train' }), step({ kind: 'evaluate' })]
        }),
        cells: [
          live('train', 'train'),
          live('evaluate', ''),
          live('y', 'trian')
        ]
      }),
      trans
    );
    expect(badges.get('train')).toEqual({
      text: '✓ train',
      more: '',
      role: 'pass'
    });
    expect(badges.has('evaluate')).toBe(false);
    expect(badges.get('y')).toEqual({
      text: '? trian',
      more: '',
      role: 'fail'
    });
  });

  it('badges a step that ran before a cell above it, and failed checks on any cell', () => {
    const badges = badgesOf(
      state({
        view: view({
          steps: [
            step({ kind: 'train' }),
            step({ kind: 'evaluate', state: 'stale' })
          ],
          disorder: ['train', 'evaluate'],
          checks: [
            line({ validator: 'fair.air', cell: 'evaluate' }),
            line({ validator: 'env.pin', cell: 'free', verdict: 'error' }),
            line({ validator: 'priv.pii', cell: 'free' }),
            line({ validator: 'perf.x', cell: 'train', stale: 'it moved' }),
            line({ validator: 'perf.y', cell: 'train', waived: 'by rae' }),
            line({ validator: 'perf.z', cell: 'train', verdict: 'warn' }),
            line({ validator: 'perf.gone', cell: 'deleted' })
          ]
        }),
        cells: [
          live('train', 'train'),
          live('evaluate', 'evaluate'),
          live('free', '')
        ]
      }),
      trans
    );
    expect(Object.fromEntries(badges)).toEqual({
      train: { text: '⇅ train', more: '', role: 'warn' },
      evaluate: { text: '↻ evaluate', more: '✕ fair.air', role: 'fail' },
      free: { text: '✕ 2 checks', more: '', role: 'fail' }
    });
  });
});

describe('settings', () => {
  it('are as usual where nothing, or nothing of use, is set', () => {
    expect(chosenOf({})).toEqual(USUAL);
    expect(chosenOf({ badges: 'no', side: 'top', poll: '3' })).toEqual(USUAL);
  });

  it('are taken, and a poll is never quicker than every five seconds', () => {
    const preferences = new Preferences();
    const told: unknown[] = [];
    preferences.changed.connect((_, chosen) => told.push(chosen));
    const set = { badges: false, side: 'left', section: 'why' };
    preferences.take({ ...set, suggestions: false, poll: 1 });
    expect(told).toEqual([{ ...set, suggestions: false, poll: 5 }]);
    expect(chosenOf({ poll: 0 }).poll).toBe(0);
    expect(chosenOf({ poll: 60 }).poll).toBe(60);
  });
});

describe('the gate', () => {
  it('is never clear without a report, and not while anything stands in the way', () => {
    const reason = {
      code: 'c',
      sentence: 's',
      next: 'n',
      severity: 'high' as const,
      validator: '',
      cell: '',
      fix: {
        kind: 'command' as const,
        cells: [],
        code: '',
        command: '',
        people: []
      }
    };
    expect(gateOf(state())).toBe('shut');
    expect(gateOf(state({ view: view({ report: 'r' }) }))).toBe('clear');
    expect(gateOf(state({ view: view({ report: 'r', why: [reason] }) }))).toBe(
      'shut'
    );
    expect(gateOf(state({ view: view({ problem: 'p', report: 'r' }) }))).toBe(
      'unreadable'
    );
    expect(gateOf(state({ view: null }))).toBe('none');
    const gate = 'staging → production';
    const there = { report: 'r', gate, let_in: ['staging', 'production'] };
    expect(gateOf(state({ view: view(there) }))).toBe('in');
    expect(gateOf(state({ view: view({ ...there, why: [reason] }) }))).toBe(
      'shut'
    );
    expect(
      gateOf(state({ view: view({ ...there, let_in: ['staging'] }) }))
    ).toBe('clear');
  });

  it('speaks in the status bar', () => {
    const cells = [
      { id: 'a', label: 'data', prompt: null },
      { id: 'b', label: 'data', prompt: null },
      { id: 'c', label: 'train', prompt: null }
    ];
    expect(statusText(state({ cells }), trans)).toBe(
      'Governance: 2 steps · gate shut'
    );
    expect(statusText(state({ view: null }), trans)).toBe(
      'Governance: 0 steps · not recorded yet'
    );
  });
});

describe('words', () => {
  it('never reads an unknown verdict as passed', () => {
    expect(verdictMark('fine').role).toBe('unknown');
    expect(verdictMark('').word).toBe('no verdict');
    expect(verdictMark('error').role).toBe('broken');
  });

  it('says why the kernel cannot be asked', () => {
    expect(whyNotRun(state(), trans)).toBe('');
    expect(whyNotRun(state({ kernel: 'none' }), trans)).toContain('No kernel');
    expect(whyNotRun(state({ work: '2/7 fair.air' }), trans)).toBe(
      '2/7 fair.air'
    );
  });

  it('makes three sentences of whatever the server answered', () => {
    expect(troubleOf({ message: 'm', expected: 1 }, 400)).toEqual({
      message: 'm',
      expected: '',
      next: ''
    });
    expect(troubleOf(null, 502).message).toBe('The server answered 502.');
  });
});

describe('Paced', () => {
  it('does many wishes as one deed, and one more for wishes while it runs', async () => {
    vi.useFakeTimers();
    let deeds = 0;
    const paced = new Paced(
      async () => {
        deeds += 1;
        if (deeds === 1) {
          paced.soon();
          paced.soon();
        }
      },
      10,
      1000
    );
    paced.soon();
    paced.soon();
    await vi.advanceTimersByTimeAsync(20);
    expect(deeds).toBe(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(deeds).toBe(1);
    await vi.advanceTimersByTimeAsync(3000);
    expect(deeds).toBe(2);
    vi.useRealTimers();
  });
});

describe('the model', () => {
  it('tells each change once', () => {
    const model = new GovernanceModel();
    const told: string[] = [];
    model.changed.connect((_, now) => told.push(now.work));
    model.update({ work: 'a', complaint: 'b' });
    expect(told).toEqual(['a']);
    expect(model.state.complaint).toBe('b');
  });
});
