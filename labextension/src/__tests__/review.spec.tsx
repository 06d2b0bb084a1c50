import React, { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Refusal } from '../api/request';
import type { ICaseView, IReviewDesk, IWaiverView } from '../api/types';
import { span } from '../promotion/acts';
import { AskForStage } from '../promotion/ask';
import { Export } from '../promotion/export';
import { Review } from '../promotion/review';
import { Why } from '../promotion/why';
import type { IState } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { HOSTILE, state, trans, view } from './samples';

const REPORT = `sha256:${'9f'.repeat(32)}`;
const rae = { id: 'rae', source: 'jupyter' as const, name: 'Rae' };
const ann = { id: 'ann', source: 'declared' as const, name: '' };

let deeds: string[] = [];
let answers: Record<string, unknown> = {};

const reply = <T,>(route: string): Promise<T> => {
  const answer = answers[route];
  return answer instanceof Error
    ? Promise.reject(answer)
    : Promise.resolve(answer as T);
};
const actions: ISectionProps['actions'] = {
  goTo: cell => void deeds.push(`goTo ${cell}`),
  run: command => void deeds.push(`run ${command}`),
  open: section => void deeds.push(`open ${section}`),
  ask: route => reply(route),
  send: (route, body) => {
    deeds.push(`send ${route} ${JSON.stringify(body)}`);
    return reply(route);
  },
  refresh: () => void deeds.push('refresh')
};

function aCase(part: Partial<ICaseView['queued']['case']> = {}): ICaseView {
  return {
    queued: {
      case: {
        number: 41,
        id: REPORT,
        model: 'credit',
        notebook: 'a.ipynb',
        stage: 'staging',
        report: REPORT,
        packet: REPORT,
        asked_by: ann,
        asked_at: '2026-11-24T09:00:00Z',
        claimed_by: null,
        talk: [],
        reruns: [],
        words: [],
        closed: false,
        changed: [],
        terms: [],
        ...part
      },
      state: 'waiting',
      deadline: new Date(Date.now() + 4 * 3600_000).toISOString(),
      due: []
    },
    mine: false,
    why_not: '',
    open_questions: 0
  };
}

function desk(part: Partial<IReviewDesk> = {}): IReviewDesk {
  return {
    me: rae,
    why_not: '',
    approvers: [],
    stage: 'staging',
    needed: 1,
    clock: '24 hours',
    today: '2026-11-24',
    cases: [],
    waivers: [],
    waivable: [],
    forms: [],
    ...part
  };
}

const now = (part: Partial<IState> = {}) =>
  state({
    rights: ['read', 'run', 'review'],
    user: 'Rae',
    view: view({ report: REPORT, unchecked: 2 }),
    ...part
  });

async function drawn(
  Section: (props: ISectionProps) => React.ReactElement | null,
  shown: IState
): Promise<HTMLElement> {
  (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  await act(async () => {
    createRoot(host).render(
      <Section state={shown} trans={trans} actions={actions} />
    );
    await Promise.resolve();
  });
  return host;
}

async function click(host: HTMLElement, words: string): Promise<void> {
  const button = [...host.querySelectorAll('button')].find(item =>
    item.textContent?.includes(words)
  );
  expect(button, words).toBeDefined();
  await act(async () => {
    button?.click();
    await Promise.resolve();
  });
}

function write(field: Element | null | undefined, text: string): void {
  const kind =
    field instanceof HTMLTextAreaElement
      ? HTMLTextAreaElement
      : HTMLInputElement;
  const set = Object.getOwnPropertyDescriptor(kind.prototype, 'value')?.set;
  act(() => {
    set?.call(field, text);
    field?.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

const field = (host: HTMLElement, label: string) =>
  [...host.querySelectorAll('label')]
    .find(item => item.textContent?.includes(label))
    ?.querySelector('input, textarea');

beforeEach(() => {
  deeds = [];
  answers = { reviews: desk() };
});

describe('Review', () => {
  it('says so where there is no report', async () => {
    const host = await drawn(Review, state({ view: view() }));
    expect(host.textContent).toContain('no report yet');
  });

  it('says what went wrong and tries again', async () => {
    answers.reviews = new Refusal({
      message: 'The record is locked.',
      expected: '',
      next: 'Wait.'
    });
    const host = await drawn(Review, now());
    expect(host.textContent).toContain('The record is locked. Wait.');
    answers.reviews = desk();
    await click(host, 'Try again');
    expect(host.textContent).not.toContain('locked');
    expect(host.textContent).toContain('Nobody was asked');
  });

  it('asks for a review, and shows who has how long', async () => {
    const host = await drawn(Review, now());
    answers['review/ask'] = desk({ cases: [aCase()] });
    await click(host, 'Ask for a review');
    expect(deeds[0]).toBe('send review/ask {"stage":"staging"}');
    expect(host.textContent).toContain('Review 41 for staging');
    expect(host.textContent).toContain('asked by ann (declared)');
    expect(host.textContent).toMatch(/[34] h \d+ min left of 24 hours/);
  });

  it('says that it is overdue and escalated', async () => {
    const late = aCase();
    late.queued.deadline = new Date(Date.now() - 26 * 3600_000).toISOString();
    late.queued.due = ['warning', 'alarm', 'escalation'];
    answers.reviews = desk({ cases: [late] });
    const host = await drawn(Review, now());
    expect(host.textContent).toContain('overdue by 26 h 0 min, escalated');
  });

  it('gives a word after a reason and a confirmation, never by one click', async () => {
    answers.reviews = desk({ cases: [aCase()] });
    const host = await drawn(Review, now());
    const approve = () =>
      [...host.querySelectorAll('button')].find(item =>
        item.textContent?.startsWith('Approve')
      );
    expect(approve()?.disabled).toBe(true);
    write(host.querySelector('form textarea'), 'read it all');
    act(() =>
      host.querySelector<HTMLInputElement>('form [type=checkbox]')?.click()
    );
    write(field(host, 'Traffic'), '5');
    write(field(host, 'Counts until'), '2026-12-31');
    await click(host, 'Approve with conditions…');
    expect(deeds).toEqual([]);
    expect(host.textContent).toContain(
      'as Rae, with traffic at most 5%, until 2026-12-31?'
    );
    await click(host, 'Yes, approve');
    expect(JSON.parse(deeds[0].replace('send review ', ''))).toEqual({
      verdict: 'approve',
      report: REPORT,
      comment: 'read it all',
      attests_unchecked: true,
      conditions: ['traffic<=5%'],
      until: '2026-12-31',
      review: 41
    });
    expect(deeds).toContain('refresh');
    write(field(host, 'Traffic'), '');
    write(field(host, 'Counts until'), '');
  });

  it('refuses without conditions', async () => {
    const host = await drawn(Review, now());
    write(host.querySelector('form textarea'), 'no');
    await click(host, 'Refuse…');
    await click(host, 'Not now');
    expect(deeds).toEqual([]);
    await click(host, 'Refuse…');
    await click(host, 'Yes, refuse');
    expect(deeds[0]).toBe(
      `send review {"verdict":"refuse","report":"${REPORT}","comment":"no","attests_unchecked":false}`
    );
  });

  it('tells an author why their approval would not count, and lets them not give it', async () => {
    answers.reviews = desk({ why_not: 'an author of the model (four eyes)' });
    const host = await drawn(Review, now());
    expect(host.textContent).toContain(
      'You cannot approve it: an author of the model (four eyes).'
    );
    write(host.querySelector('form textarea'), 'mine');
    const approve = [...host.querySelectorAll('button')].find(item =>
      item.textContent?.startsWith('Approve')
    );
    expect(approve?.disabled).toBe(true);
  });

  it('keeps a draft while one looks elsewhere', async () => {
    let host = await drawn(Review, now());
    write(host.querySelector('form textarea'), 'half a thought');
    await drawn(Export, now());
    host = await drawn(Review, now());
    const area = host.querySelector<HTMLTextAreaElement>('form textarea');
    expect(area?.value).toBe('half a thought');
    write(area, '');
  });

  it('is closed to those who may not, and says who may', async () => {
    answers.reviews = desk({ approvers: ['rae', 'kim'], needed: 2 });
    const host = await drawn(Review, now({ rights: ['read', 'run'] }));
    expect(host.querySelector('[data-testid=mlgov-review-form]')).toBeNull();
    expect(host.textContent).toContain('not review it on this server');
    expect(host.textContent).toContain('Who may approve: rae, kim.');
    expect(host.textContent).toContain('2 approvals are needed for staging.');
  });

  it('opens the packet, and is alarmed where something is not as it was sealed', async () => {
    answers.reviews = desk({ cases: [aCase()] });
    answers.packet = {
      digest: REPORT,
      report: REPORT,
      model: 'credit',
      stage: 'staging',
      policies: ['SR 26-2 1'],
      checks: [
        {
          validator: 'fair.air',
          title: '',
          verdict: 'fail',
          severity: 'high',
          summary: HOSTILE,
          stale: '',
          waived: '',
          alone: '',
          alone_summary: ''
        }
      ],
      unchecked: 1,
      evidence: 2,
      objects: 1,
      cells: ['a'],
      problems: ['an object was changed'],
      changed: ['the model changed']
    };
    const host = await drawn(Review, now());
    await click(host, 'Read the packet');
    const packet = host.querySelector('[data-testid=mlgov-packet]');
    expect(packet?.textContent).toContain('✕ an object was changed');
    expect(packet?.textContent).not.toContain('As it was sealed');
    expect(packet?.textContent).toContain(HOSTILE);
    expect(host.querySelector('script')).toBeNull();
    answers.impact = {
      changed: [],
      falls: [{ validator: 'fair.air', parts: ['model'] }],
      holds: ['env.pin'],
      rerun: [],
      never_ran: [],
      void: [41],
      unknown: ''
    };
    await click(host, 'Which answers fall?');
    expect(packet?.textContent).toContain('1 answers fall, 1 still hold.');
  });

  it('lets an author answer only what was asked', async () => {
    const asked = aCase({
      talk: [{ kind: 'question', actor: rae, time: '1', text: HOSTILE }]
    });
    answers.reviews = desk({
      why_not: 'four eyes',
      cases: [{ ...asked, why_not: 'four eyes', open_questions: 1 }]
    });
    const host = await drawn(Review, now({ rights: ['read', 'run'] }));
    expect(host.textContent).toContain('Rae asks:');
    write(field(host, 'Your answer'), 'because');
    answers['review/answer'] = desk();
    await click(host, 'Answer');
    expect(deeds[0]).toBe('send review/answer {"review":41,"text":"because"}');
    expect(host.querySelector('script')).toBeNull();
  });

  it('says that a void case counts no more', async () => {
    const gone = aCase({ changed: ['the model changed'] });
    gone.queued.state = 'void';
    answers.reviews = desk({ cases: [gone] });
    const host = await drawn(Review, now());
    expect(
      host.querySelector('[data-testid=mlgov-history]')?.textContent
    ).toContain('No word on it counts any more: the model changed.');
    expect(host.textContent).toContain('Nobody was asked');
  });
});

describe('waivers', () => {
  const waiver = (part: Partial<IWaiverView> = {}): IWaiverView => ({
    waiver: {
      id: REPORT,
      seq: 7,
      waives: 'fair.air',
      reason: HOSTILE,
      limit: 'traffic below 5%',
      until: '2026-12-31',
      scope: REPORT,
      asked_by: ann,
      asked_at: '2026-11-24T09:00:00Z',
      approvals: [],
      refused_by: null,
      withdrawn: false
    },
    severity: 'high',
    objection: 'it lacks one approval',
    mine: false,
    why_not: '',
    ...part
  });

  it('are lifted by others after a word and a confirmation', async () => {
    answers.reviews = desk({ waivers: [waiver()] });
    const host = await drawn(Review, now());
    expect(host.textContent).toContain('Lifts nothing now: it lacks one');
    write(field(host, 'Your word on this waiver'), 'for a month');
    await click(host, 'Lift it…');
    expect(deeds).toEqual([]);
    answers['waiver/answer'] = desk();
    await click(host, 'Yes, lift it');
    expect(deeds[0]).toBe(
      'send waiver/answer {"waiver":7,"verdict":"approve","comment":"for a month"}'
    );
    expect(host.querySelector('script')).toBeNull();
  });

  it('are not lifted by who asked', async () => {
    answers.reviews = desk({
      waivers: [waiver({ mine: true, why_not: 'who asks cannot approve' })]
    });
    const host = await drawn(Review, now());
    expect(host.textContent).not.toContain('Lift it…');
    answers['waiver/withdraw'] = desk();
    await click(host, 'Take it back…');
    await click(host, 'Yes, take it back');
    expect(deeds[0]).toBe('send waiver/withdraw {"waiver":7}');
  });

  it('are asked for with reason, limit, end and scope', async () => {
    answers.reviews = desk({
      waivable: [
        { name: 'fair.air', title: 'AIR', severity: 'high', verdict: 'fail' }
      ]
    });
    const host = await drawn(Review, now());
    write(field(host, 'Why it is bearable'), 'a new model comes');
    write(field(host, 'What makes up for it'), 'manual checks');
    write(
      host
        .querySelector('[data-testid=mlgov-ask-waiver]')
        ?.querySelector('input[type=date]'),
      '2026-12-31'
    );
    answers.waiver = desk();
    await click(host, 'Ask for it');
    expect(deeds[0]).toBe(
      'send waiver {"waives":"fair.air","reason":"a new model comes","limit":"manual checks","until":"2026-12-31","scope":"version"}'
    );
  });
});

describe('asking for a stage', () => {
  const decision = {
    model: 'credit',
    version: '3',
    stage: 'staging',
    answer: 'refused',
    reasons: [{ code: 'x', sentence: HOSTILE, next: '', severity: 'high' }],
    report: null,
    team: REPORT,
    asked_by: ann,
    approved_by: [],
    notes: [],
    limits: [],
    until: '',
    waivers: []
  };

  it('is said in full first, and the answer is told with its reasons', async () => {
    answers.promote = decision;
    const host = await drawn(AskForStage, now());
    await click(host, 'Ask for staging…');
    expect(deeds).toEqual([]);
    expect(host.textContent).toContain(
      'the alias `staging` moves'.replaceAll('`', '')
    );
    await click(host, 'Yes, ask');
    expect(deeds[0]).toBe('send promote {"stage":"staging"}');
    expect(host.textContent).toContain('✕ Refused: staging stays as it is.');
    expect(host.textContent).toContain(HOSTILE);
    expect(host.querySelector('script')).toBeNull();
  });

  it('names the version that was let through', async () => {
    answers.promote = {
      ...decision,
      answer: 'granted',
      reasons: [],
      approved_by: [rae]
    };
    const host = await drawn(AskForStage, now());
    await click(host, 'Ask for staging…');
    await click(host, 'Yes, ask');
    expect(host.textContent).toContain(
      '✓ Granted: staging is version 3 of credit.'
    );
    expect(host.textContent).toContain('Approved by Rae.');
  });

  const ahead = {
    stage: 'staging',
    let_in: ['staging'],
    gate: 'staging → production'
  };

  it('names the stage that comes after the one it is in, and asks for that one', async () => {
    const why = await drawn(
      Why,
      now({ view: view({ ...ahead, report: REPORT }) })
    );
    expect(why.textContent).toContain(
      'Nothing that is known stands in the way of staging → production.'
    );
    expect(why.textContent).toContain('This very model is in staging.');
    answers.promote = { ...decision, stage: 'production' };
    await click(why, 'Ask for production…');
    await click(why, 'Yes, ask');
    expect(deeds[0]).toBe('send promote {"stage":"production"}');
  });

  it('says how much is asked for where an approval allows a part', async () => {
    const reason = {
      code: 'limit-unsaid',
      sentence: 'The approval allows traffic at most 5%.',
      next: '',
      severity: 'high' as const,
      validator: '',
      cell: '',
      fix: null
    };
    const shown = view({ ...ahead, report: REPORT, why: [reason] });
    const host = await drawn(AskForStage, now({ view: shown }));
    await click(host, 'Ask for production…');
    expect(host.textContent).toContain('The gate will refuse');
    await click(host, 'Not now');
    write(field(host, 'Traffic asked for, %'), '5');
    await click(host, 'Ask for production…');
    expect(host.textContent).not.toContain('The gate will refuse');
    await click(host, 'Yes, ask');
    expect(deeds[0]).toBe(
      'send promote {"stage":"production","limits":["traffic<=5%"]}'
    );
  });

  it('asks for nothing in the last stage', async () => {
    const let_in = ['staging', 'production'];
    const shown = view({ ...ahead, let_in, report: REPORT });
    const host = await drawn(Why, now({ view: shown }));
    expect(host.textContent).toContain('There is no stage after production.');
    expect(host.querySelectorAll('button')).toHaveLength(0);
  });
});

describe('Export', () => {
  const plan = {
    notebook: 'a.ipynb',
    targets: ['papermill', 'dvc'],
    steps: [
      {
        name: 'train',
        tag: 'train',
        cells: ['train'],
        after: ['data'],
        takes: [`${HOSTILE} of data`],
        gives: ['model'],
        reads: [],
        writes: [],
        parameters: []
      }
    ],
    notes: [],
    refusals: [],
    files: [
      { target: 'papermill', path: 'a.papermill.yaml', exists: false },
      { target: 'dvc', path: 'dvc.yaml', exists: true }
    ],
    proof: ['dvc'],
    known: ['dvc', 'kfp', 'papermill']
  };

  it('shows what would be made, then makes it', async () => {
    answers.export = plan;
    const host = await drawn(Export, now());
    expect(deeds).toEqual([]);
    expect(host.textContent).toContain('after data');
    expect(host.textContent).toContain('dvc.yaml (is there; replaced)');
    expect(host.textContent).toContain('dvc, after a proof');
    answers.export = {
      files: ['a.papermill.yaml', 'dvc.yaml'],
      proof: 'Same.'
    };
    await click(host, 'Write 2 files');
    expect(deeds[0]).toBe('send export {"to":["papermill","dvc"]}');
    expect(host.textContent).toContain('✓ Wrote 2 files');
    expect(host.querySelector('script')).toBeNull();
  });

  it('says why it cannot', async () => {
    answers.export = new Refusal({
      message: 'No pipeline.',
      expected: '',
      next: 'Tag a cell.'
    });
    const host = await drawn(Export, now());
    expect(host.textContent).toContain('No pipeline. Tag a cell.');
    expect(host.textContent).not.toContain('Write');
  });

  it('is closed to those who may not run', async () => {
    const host = await drawn(Export, now({ rights: ['read'] }));
    expect(host.textContent).toBe('You may look here, not export.');
  });
});

describe('time', () => {
  it('is said in the two units that matter', () => {
    expect(span('1970-01-01T00:59:00Z', 0)).toBe('59 min');
    expect(span('1970-01-01T03:20:00Z', 0)).toBe('3 h 20 min');
    expect(span('1970-01-04T05:00:00Z', 0)).toBe('3 d 5 h');
  });
});
