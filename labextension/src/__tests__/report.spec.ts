import { figure } from '../reports/curves';
import { drawReport, measured } from '../reports/draw';
import { plot, rateWords } from '../reports/plot';
import {
  finding,
  HOSTILE,
  report,
  requirement,
  result,
  trans
} from './samples';

const words = (text: string, ...values: (string | number)[]) =>
  trans.__(text, ...values);

function drawn(data: unknown): HTMLElement {
  const node = document.createElement('div');
  drawReport(node, data, words);
  return node;
}

const groups = [
  {
    label: 'white = 0',
    value: 218 / 308,
    interval: [0.654, 0.756] as [number, number],
    k: 218,
    n: 308
  },
  {
    label: 'white = 1',
    value: 1527 / 1681,
    interval: [0.894, 0.921] as [number, number],
    k: 1527,
    n: 1681
  }
];

describe('figures of the details', () => {
  const drawn = (details: Record<string, unknown>) =>
    figure(finding({ details }), words);

  it('are curves with their points, and bars with their shares, names as text', () => {
    const bins = [
      { n: 100, predicted: 0.1, observed: 0.12 },
      { n: 50, predicted: 0.4, observed: 0.35 }
    ];
    expect(drawn({ bins })?.querySelectorAll('circle.group')).toHaveLength(2);
    const roc = drawn({ roc: { fpr: [0, 0.2, 1], tpr: [0, 0.7, 1] } });
    expect(roc?.querySelectorAll('line.group')).toHaveLength(2);
    expect(roc?.getAttribute('aria-label')).toBe('ROC curve of 3 points');
    const drift = drawn({
      bins: ['under 1', HOSTILE],
      reference: [1, 3],
      current: [2, 2]
    });
    expect(drift?.querySelectorAll('rect')).toHaveLength(4);
    expect(drift?.textContent).toContain('25.0 → 50.0 %');
    expect(drift?.textContent).toContain('<script>');
    expect(drift?.querySelector('script')).toBeNull();
  });

  it.each([
    {},
    { bins: 10 },
    { bins: [] },
    { bins: [{ n: 1, predicted: 7, observed: 0.1 }] },
    { bins: ['a'], reference: [0], current: [0] },
    { bins: ['a', 'b'], reference: [1], current: [1, 2] },
    { roc: { fpr: [0, 1], tpr: [0] } },
    { roc: { fpr: ['<b>', 1], tpr: [0, 1] } }
  ])('are none where the details hold something else: %j', details => {
    expect(drawn(details)).toBeNull();
  });
});

describe('the report', () => {
  it('opens what failed and folds the rest with counts', () => {
    const node = drawn(
      report({
        results: [
          result({ validator: 'a', verdict: 'pass' }),
          result(),
          result({ validator: 'b', verdict: 'pass' })
        ],
        counts: { fail: 1, pass: 2 }
      })
    );
    const top = [
      ...node.querySelectorAll<HTMLDetailsElement>(':scope > details')
    ];
    expect(top.map(item => item.open)).toEqual([true, false]);
    expect(top[0].dataset.validator).toBe('fair.air');
    expect(top[0].textContent).toContain('critical');
    expect(top[1].querySelector('summary')?.textContent).toContain('2 passed');
    expect(node.textContent).toContain('✕ 1 failed');
    expect(node.textContent).toContain('NOT YET — 1 thing stands in the way');
    expect(node.textContent).toContain('report sha256:9f9f9f…');
  });

  it('lists demands that nobody measured as open, not as passed', () => {
    const node = drawn(
      report({ requirements: [requirement({ verdict: null, control: 'X.1' })] })
    );
    expect(node.textContent).toContain('○ 1 controls not checked here');
    expect(node.textContent).toContain('open, not passed');
    expect(node.textContent).toContain('X.1');
  });

  it('is not green when nothing was checked', () => {
    const node = drawn(report({ results: [], blocking: [], counts: {} }));
    const head = node.querySelector('.jp-mlgov-report-state');
    expect(head?.textContent).toBe('NOTHING WAS CHECKED');
    expect(head?.className).toContain('fail');
  });

  it('takes the headline that Python sent, and says MAY GO only then', () => {
    const clear = report({
      results: [result({ verdict: 'pass' })],
      blocking: [],
      counts: { pass: 1 }
    });
    const head = '.jp-mlgov-report-state';
    expect(drawn(clear).querySelector(head)?.textContent).toContain(
      'CHECKS CLEAR'
    );
    const headline = { title: 't', standing: 'MAY GO', detail: 'd' };
    const sent = drawn({ ...clear, headline });
    expect(sent.querySelector(head)?.textContent).toBe('MAY GO — d');
    const stale = drawn({ ...clear, context: { stale: ['x'] } });
    expect(stale.querySelector(head)?.textContent).toContain('NOT YET');
  });

  it('draws hostile text as text, everywhere', () => {
    const bad = result({
      title: HOSTILE,
      summary: HOSTILE,
      fix: HOSTILE,
      source: HOSTILE,
      validator: HOSTILE,
      evidence: [HOSTILE],
      findings: [
        finding({
          message: HOSTILE,
          where: HOSTILE,
          fix: `x${HOSTILE}`,
          allowed: HOSTILE,
          reference: 0.8,
          reference_label: HOSTILE,
          estimates: [{ ...groups[0], label: HOSTILE }]
        })
      ]
    });
    const node = drawn(
      report({
        results: [bad],
        requirements: [requirement({ validator: HOSTILE, cite: HOSTILE })],
        subject: { ...report().subject, name: HOSTILE }
      })
    );
    expect(node.querySelector('script')).toBeNull();
    expect(node.querySelectorAll('summary strong')[0].textContent).toBe(
      HOSTILE
    );
    expect(node.textContent?.split(HOSTILE).length).toBeGreaterThan(8);
  });

  it('takes the context beside the report: stage, what stands in the way, stale, time', () => {
    const node = drawn({
      ...report(),
      context: {
        stage: 'staging',
        why: [{}, {}],
        stale: ['the model changed'],
        made: '2026-11-23T14:02:07.000000Z'
      }
    });
    expect(node.querySelector('h3')?.textContent).toBe('credit → staging');
    expect(node.textContent).toContain('NOT YET — 2 things stand in the way');
    expect(node.textContent).toContain('14:02 UTC');
    expect(node.textContent).toContain('the model changed');
  });

  it('says beside the verdict that a waiver keeps the gate from counting it', () => {
    const sentence = `fair.air is waived until 2026-12-31 by Bob (asked by Ana: ${HOSTILE}; limit: 5%)`;
    const node = drawn({ ...report(), context: { waived: [sentence] } });
    expect(node.textContent).toContain(sentence);
    expect(node.textContent).toContain('the verdict stays');
    expect(node.textContent).toContain('✕');
    expect(node.querySelector('script')).toBeNull();
    expect(drawn(report()).textContent).not.toContain('Waived');
  });

  it.each([null, 3, 'x', {}, { results: 1 }, { results: [], a: HOSTILE }])(
    'says that %j is no report',
    data => {
      const node = drawn(data);
      expect(node.textContent).toContain('cannot be drawn');
      expect(node.querySelector('details')).toBeNull();
    }
  );
});

describe('numbers', () => {
  it('says measure, interval, limit and n', () => {
    expect(measured(finding(), words)).toBe(
      'measured 0.7792 (95 % 0.72–0.84) · allowed: at least 0.80 · n 1,989'
    );
  });

  it('says that an undefined measure is not defined, and nothing of a yes or no', () => {
    const untold = {
      measured: null,
      n: null,
      verdict: 'inconclusive' as const
    };
    expect(measured(finding(untold), words)).toBe(
      'not defined · allowed: at least 0.80'
    );
    for (const more of [
      { verdict: 'fail' as const },
      { details: { kept_back: true } }
    ]) {
      expect(measured(finding({ ...untold, ...more }), words)).toBe(
        'allowed: at least 0.80'
      );
    }
  });
});

describe('the plot', () => {
  it('draws each group with its interval on one scale, and the limit', () => {
    const node = plot(
      finding({ estimates: groups, reference: 0.727, reference_label: 'limit' })
    );
    const x = [...(node?.querySelectorAll('circle') ?? [])].map(item =>
      Number(item.getAttribute('cx'))
    );
    expect(x[0]).toBeLessThan(x[1]);
    expect(node?.querySelectorAll('line.under')).toHaveLength(1);
    const limit = Number(node?.querySelector('line.limit')?.getAttribute('x1'));
    expect(limit).toBeGreaterThan(x[0]);
    expect(limit).toBeLessThan(x[1]);
    expect(node?.getAttribute('aria-label')).toContain(
      'white = 0: 70.8 % (65.4–75.6) (218 of 308)'
    );
  });

  it('leaves out what is not defined, and draws nothing for nothing', () => {
    const none = { ...groups[0], value: null };
    expect(plot(finding({ estimates: [none] }))).toBeNull();
    expect(rateWords(none)).toBe('not defined');
    const node = plot(finding({ estimates: [none, groups[1]] }));
    expect(node?.querySelectorAll('circle')).toHaveLength(1);
  });
});

describe('the search over a report', () => {
  const verdicts = ['fail', 'pass', 'pass', 'inconclusive'] as const;
  const several = () =>
    drawn(
      report({
        results: verdicts.map((verdict, at) =>
          result({
            validator: `x.check${at}`,
            verdict,
            summary: `about column c${at}`,
            cell: at ? '' : 'evaluate'
          })
        ),
        counts: { fail: 1, inconclusive: 1, pass: 2 },
        blocking: ['x.check0']
      })
    );
  const shown = (node: HTMLElement) =>
    [...node.querySelectorAll<HTMLElement>('.jp-mlgov-report-row')]
      .filter(row => !row.hidden)
      .map(row => row.dataset.validator);
  const status = (node: HTMLElement) =>
    node.querySelector('[role="status"]')?.textContent;
  const search = (node: HTMLElement, text: string) => {
    const box = node.querySelector('input') as HTMLInputElement;
    box.value = text;
    box.dispatchEvent(new Event('input'));
    return box;
  };

  it('hides what does not fit, opens the fold of what does, and says what it hides of the gate', () => {
    const node = several();
    expect(shown(node)).toHaveLength(4);
    expect(status(node)).toBe('');
    search(node, 'C2 column');
    expect(shown(node)).toEqual(['x.check2']);
    expect(
      node.querySelector<HTMLDetailsElement>('.jp-mlgov-report-group')?.open
    ).toBe(true);
    expect(status(node)).toBe(
      '1 of 4 checks shown; 1 hidden ones keep the gate shut'
    );
    const box = search(node, 'nothing at all');
    expect(shown(node)).toEqual([]);
    box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
    expect(shown(node)).toHaveLength(4);
    expect(status(node)).toBe('');
  });

  it('takes verdicts as buttons that are pressed or not', () => {
    const node = several();
    const press = (verdict: string) => {
      const button = node.querySelector(
        `button[data-verdict="${verdict}"]`
      ) as HTMLButtonElement;
      button.click();
      return button.getAttribute('aria-pressed');
    };
    expect(press('fail')).toBe('true');
    expect(shown(node)).toEqual(['x.check0']);
    expect(status(node)).toBe('1 of 4 checks shown');
    expect(press('pass')).toBe('true');
    expect(shown(node)).toHaveLength(3);
    expect(press('fail')).toBe('false');
    expect(shown(node)).toEqual(['x.check1', 'x.check2']);
  });

  it('tells whoever holds the notebook which cell to show, and lets no key through', () => {
    const node = several();
    const heard: unknown[] = [];
    node.addEventListener('mlgov:cell', event =>
      heard.push((event as CustomEvent).detail)
    );
    node.addEventListener('keydown', () => heard.push('a key'));
    node.querySelector<HTMLButtonElement>('button.jp-mlgov-cell')?.click();
    search(node, '').dispatchEvent(
      new KeyboardEvent('keydown', { key: 'd', bubbles: true })
    );
    expect(heard).toEqual(['evaluate']);
  });

  it('is not there where two checks are seen at once', () => {
    const node = drawn(report({ results: [result({}), result({})] }));
    expect(node.querySelector('input')).toBeNull();
  });
});
