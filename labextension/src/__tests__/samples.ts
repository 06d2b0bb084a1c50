/* Facts for the tests, as the server would send them. */
import type {
  ICheckLine,
  ICheckResult,
  IFinding,
  INotebookView,
  IReportJson,
  IRequirementResult,
  IStepStatus
} from '../api/types';
import { EMPTY, IState } from '../state/model';
import type { ISectionProps } from '../state/tokens';

export const HOSTILE = '<script>window.hacked = true</script>';

function fill(text: string, values: unknown[]): string {
  return values.reduce<string>(
    (said, value, index) => said.replaceAll(`%${index + 1}`, String(value)),
    text
  );
}

/** Translates nothing, fills in the numbers as gettext does. */
export const trans = {
  __: (text: string, ...values: unknown[]) => fill(text, values),
  _n: (one: string, many: string, count: number, ...values: unknown[]) =>
    fill(count === 1 ? one : many, [count, ...values])
} as unknown as ISectionProps['trans'];

export function step(
  part: Partial<IStepStatus> & { kind: string }
): IStepStatus {
  const { kind, ...rest } = part;
  return {
    step: { kind, name: '' },
    cells: [kind],
    state: 'fresh',
    why: '',
    order: 1,
    duration_ms: 12,
    reads: [],
    writes: [],
    ...rest
  };
}

export function view(part: Partial<INotebookView> = {}): INotebookView {
  return {
    notebook: 'a.ipynb',
    workspace: 'w',
    model: 'credit',
    version: '',
    stage: 'development',
    let_in: [],
    steps: [],
    disorder: [],
    checks: [],
    unchecked: 0,
    report: '',
    why: [],
    gate: 'development → staging',
    reviews: [],
    inputs: [],
    runs_on: '',
    code: '',
    waiting: 0,
    answering: null,
    team_file: '',
    trail: [],
    next: '',
    problem: '',
    ...part
  };
}

export function state(part: Partial<IState> = {}): IState {
  return { ...EMPTY, path: 'f/a.ipynb', kernel: 'idle', view: view(), ...part };
}

export function finding(part: Partial<IFinding> = {}): IFinding {
  return {
    message: 'The ratio is 0.779.',
    verdict: 'fail',
    measured: 0.779174,
    allowed: 'at least 0.80',
    n: 1989,
    interval: [0.72, 0.84],
    confidence: 0.95,
    where: '',
    fix: '',
    estimates: [],
    reference: null,
    reference_label: '',
    details: {},
    ...part
  };
}

export function result(part: Partial<ICheckResult> = {}): ICheckResult {
  return {
    validator: 'fair.air',
    version: '1.0',
    title: 'Adverse impact ratio',
    verdict: 'fail',
    summary: 'too low',
    findings: [finding()],
    fix: '',
    source: '29 CFR 1607.4(D)',
    cell: '',
    parameters: {},
    evidence: [],
    ...part
  };
}

export function requirement(
  part: Partial<IRequirementResult> = {}
): IRequirementResult {
  return {
    policy: 'us-fair-lending',
    control: 'FAIR.AIR.1',
    cite: 'ECOA',
    url: '',
    obligation: 'Look for disparate impact.',
    verified: '',
    severity: 'critical',
    automation: 'full',
    gates: ['staging'],
    validator: 'fair.air',
    verdict: 'fail',
    standing: 'in force',
    note: '',
    asks: ['limit = 4/5 (29 CFR 1607.4(D); verbatim quotes seen)'],
    ...part
  };
}

export function report(part: Partial<IReportJson> = {}): IReportJson {
  return {
    schema: 'mlgov-report-1',
    digest: `sha256:${'9f'.repeat(32)}`,
    counts: { fail: 1 },
    blocking: ['fair.air'],
    subject: {
      kind: 'model',
      name: 'credit',
      notebook: '',
      table: null,
      rows: 1989,
      model: null,
      data: {},
      slice: null,
      environment: null,
      code: '',
      roles: {}
    },
    policies: [
      {
        id: 'us-fair-lending',
        version: '1',
        title: 'US fair lending',
        digest: ''
      }
    ],
    results: [result()],
    requirements: [requirement()],
    note: '',
    thresholds: null,
    looks: 0,
    ...part
  };
}

export function line(part: Partial<ICheckLine> = {}): ICheckLine {
  return {
    validator: 'fair.air',
    title: 'Adverse impact ratio',
    verdict: 'fail',
    severity: 'high',
    summary: '',
    stale: '',
    waived: '',
    alone: '',
    alone_summary: '',
    cell: '',
    ...part
  };
}
