/* Written by scripts/write_types.py from the Python facts; `npm run check:types` fails when it is stale. Do not edit. */

/** Where one notebook stands. `next` is the one thing to do now; `problem` says what could not be read, never silently empty. */
export interface INotebookView {
  notebook: string;
  workspace: string;
  model: string;
  version: string;
  stage: string;
  let_in: string[];
  steps: IStepStatus[];
  disorder: string[];
  checks: ICheckLine[];
  unchecked: number;
  report: string;
  why: IReason[];
  gate: string;
  reviews: IReview[];
  inputs: string[];
  runs_on: string;
  code: string;
  waiting: number;
  answering: IAnswering | null;
  team_file: string;
  trail: ITrailLine[];
  next: string;
  problem: string;
}

/** A step of a notebook with its state and, where it is not fresh, the reason in a sentence. */
export interface IStepStatus {
  step: IStep;
  cells: string[];
  state: StepState;
  why: string;
  order: number;
  duration_ms: number;
  reads: string[];
  writes: string[];
}

/** A named piece of work, parsed from a tag: `mlgov:train` or `mlgov:train:champion`. `str(parse(tag)) == tag`. */
export interface IStep {
  kind: string;
  name: string;
}

export type StepState =
  | 'never ran'
  | 'running'
  | 'fresh'
  | 'stale'
  | 'failed'
  | 'killed';

/** One verdict as a line. `stale`: what changed since; `waived`: who lifted it until when; else empty. `cell`: what made its table. */
export interface ICheckLine {
  validator: string;
  title: string;
  verdict: string;
  severity: string;
  summary: string;
  stale: string;
  waived: string;
  cell: string;
  alone: string;
  alone_summary: string;
}

/** One thing that stands in the way. `next` is what to type, run or whom to ask; `validator`/`cell` point to its place. */
export interface IReason {
  code: string;
  sentence: string;
  next: string;
  severity: Severity;
  validator: string;
  cell: string;
  fix: IFix | null;
}

export type Severity =
  | 'critical'
  | 'high'
  | 'medium'
  | 'low';

/** What would lift a reason, for a machine: cells to run, code to insert as a cell, a shell command, or people to ask. */
export interface IFix {
  kind: 'run-cell' | 'insert-cell' | 'command' | 'ask-person' | 'restart' | 'team-file';
  cells: string[];
  code: string;
  command: string;
  people: string[];
}

/** A person's word on one report. Counts only for the report it read, never from an author of the subject. */
export interface IReview {
  actor: IActor;
  verdict: 'approve' | 'refuse';
  report: string;
  comment: string;
  time: string;
  attests_unchecked: boolean;
  limits: ILimit[];
  until: string;
  seq: number;
  terms: ITerms[];
}

/** A person or service. `source` says where the name comes from; a `declared` one is somebody's word and nothing more. */
export interface IActor {
  id: string;
  source: 'jupyter' | 'oidc' | 'git' | 'os' | 'declared';
  name: string;
}

/** The most that an approval allows. `traffic` is a share of all requests (0..1), `exposure` an amount in the firm's own unit. */
export interface ILimit {
  name: 'traffic' | 'exposure';
  most: number;
}

/** What a gate asks, resolved from mlgov.toml with tier and defaults. `after` is the stage before it. */
export interface ITerms {
  stage: string;
  after: string;
  policies: string[];
  approvals: number;
  role: string;
  approvers: number;
  who: string;
  evidence_days: number;
  drill_days: number;
  needs: string[];
}

/** How a model answers in `stage`, by the trail. `state` is the one word that matters most of: `killed`, `breaker open`, `canary`, */
export interface IAnswering {
  stage: string;
  state: string;
  champion: string;
  challenger: string;
  waiting: string;
  share: number;
  endpoints: string[];
  canary: string;
  look: string;
  look_at: string;
  breaker: string;
  killed: string;
  trouble: string;
}

/** One entry of the trail as a sentence; `time` is RFC 3339. */
export interface ITrailLine {
  seq: number;
  time: string;
  sentence: string;
  digest: string;
}

/** Subject, policies, results. Equal inputs give an equal digest in every surface: no time, no duration, no path of a machine. */
export interface IReport {
  subject: ISubjectRef;
  policies: IPolicyRef[];
  results: ICheckResult[];
  requirements: IRequirementResult[];
  note: string;
  thresholds: string | null;
  looks: number;
}

/** What a verdict is about, as digests. Empty texts and None where the subject has no such part (a bare table has no notebook). */
export interface ISubjectRef {
  kind: string;
  name: string;
  notebook: string;
  table: string | null;
  rows: number;
  model: string | null;
  data: Record<string, string>;
  slice: string | null;
  environment: string | null;
  code: string;
  roles: Record<string, unknown>;
}

/** The pack a report was judged under. */
export interface IPolicyRef {
  id: string;
  version: string;
  title: string;
  digest: string;
}

/** A validator's answer about a subject. A validator that raised is `error`, one that could not see is `inconclusive`. */
export interface ICheckResult {
  validator: string;
  version: string;
  title: string;
  verdict: Verdict;
  summary: string;
  findings: IFinding[];
  fix: string;
  source: string;
  cell: string;
  parameters: Record<string, unknown>;
  evidence: string[];
}

export type Verdict =
  | 'pass'
  | 'warn'
  | 'fail'
  | 'inconclusive'
  | 'not_applicable'
  | 'error';

/** One measured thing. `measured` is None where it is undefined (never 0 instead); `interval` is at `confidence`. */
export interface IFinding {
  message: string;
  verdict: Verdict;
  measured: number | null;
  allowed: string;
  n: number | null;
  interval: [number, number] | null;
  confidence: number;
  where: string;
  fix: string;
  estimates: IEstimate[];
  reference: number | null;
  reference_label: string;
  details: Record<string, unknown>;
}

/** One group's rate for a plot: `value` in 0..1 with its interval, from `k` of `n`. */
export interface IEstimate {
  label: string;
  value: number | null;
  interval: [number, number] | null;
  k: number;
  n: number;
}

/** A control's demand on one validator (or on people: `form:CONTROL`), answered. */
export interface IRequirementResult {
  policy: string;
  control: string;
  cite: string;
  url: string;
  obligation: string;
  verified: string;
  severity: Severity;
  automation: string;
  gates: string[];
  validator: string;
  verdict: Verdict | null;
  standing: string;
  note: string;
  asks: string[];
}

/** Entries of the trail, the newest first, and how many there are in all. */
export interface ITrailPage {
  lines: ITrailLine[];
  entries: number;
}

/** Whether the trail is whole: one sentence, what was proven, what is broken, what could not be proven, and what nobody can see. */
export interface ITrailVerified {
  ok: boolean;
  sentence: string;
  proven: string[];
  broken: string[];
  unproven: string[];
  cannot_see: string;
}

/** A step proposed for one untagged cell. `others`: kinds that would fit as well; it is then no sure proposal. */
export interface ISuggestedStep {
  cell: string;
  kind: string;
  why: string;
  others: string[];
}

/** Who looks, and what they may do (`read`, `run`, `review`, `admin`). `proven`: the server knows persons, not just a shared token. */
export interface IPresence {
  version: string;
  user: string;
  name: string;
  proven: boolean;
  rights: string[];
}

/** Some of a workspace's models, how many fit in all, and the last entry of the trail that was read for them. */
export interface IModelPage {
  rows: IModelRow[];
  models: number;
  entries: number;
}

/** One model of a workspace as a line. Times are RFC 3339; empty texts where there was no such thing yet. */
export interface IModelRow {
  model: string;
  notebook: string;
  tier: string;
  stage: string;
  version: string;
  verdict: string;
  validated: string;
  review: string;
  review_since: string;
  reproduced: string;
  reproduced_at: string;
  traffic: string;
  traffic_said: string;
  traffic_share: number;
  moved: string;
}

/** Where all models stood at `moment`, after the first `entries` entries of the trail; `as_of` is the day that was asked for, if any. */
export interface IPortfolioView {
  moment: string;
  as_of: string;
  entries: number;
  models: number;
  validated: number;
  figures: IFigure[];
  rule: string;
  first: IPortfolioRow[];
  findings: IFindingLine[];
  findings_in_all: number;
  overdue: number;
  reviews: IReviewLine[];
  reviews_in_all: number;
  coming: IComingLine[];
}

/** A figure at one point of the log. `value` is a share in 0..1 or the median in hours; None where `n` is 0: no data. */
export interface IFigure {
  id: string;
  title: string;
  kind: 'share' | 'hours';
  n: number;
  good: number;
  value: number | null;
  mean: number | null;
  longest: number | null;
  of: string;
  says: string;
  source: string;
}

/** One model at one moment. `tier` 0: nobody said; `declared`: somebody declared the tier and nothing was judged by it. */
export interface IPortfolioRow {
  model: string;
  notebook: string;
  tier: number;
  declared: boolean;
  stage: string;
  version: string;
  verdict: string;
  validated: string;
  findings: number | null;
  reviews: number;
  due: string;
  watched: string;
  days: number;
  score: number;
}

/** An open finding. `days` since it was due, below 0 when it is not yet, None where nobody set a day; `open_days` since it was found. */
export interface IFindingLine {
  model: string;
  tier: number;
  what: string;
  severity: string;
  due: string;
  days: number | null;
  open_days: number | null;
}

/** An open review. `hours` until its deadline, below 0 when it is overdue, None where the trail says no deadline. */
export interface IReviewLine {
  model: string;
  tier: number;
  number: number;
  stage: string;
  due: string;
  hours: number | null;
}

/** Controls of a pack that begin on one day. `names` are the first of the models that they would close; the rest are counts. */
export interface IComingLine {
  date: string;
  days: number;
  title: string;
  controls: number;
  closes: number;
  names: string[];
  unchecked: number;
  clear: number;
  unjudged: number;
}

/** Some models of a portfolio, in the order asked for, of `models` in all, after the first `entries` entries of the trail. */
export interface IPortfolioPage {
  moment: string;
  entries: number;
  models: number;
  rows: IPortfolioRow[];
}

/** Whose desk it is (`me`), why their approval would not count here, whose would (`approvers` empty: anybody who did not work on it), */
export interface IReviewDesk {
  me: IActor;
  why_not: string;
  approvers: string[];
  stage: string;
  needed: number;
  clock: string;
  today: string;
  cases: ICaseView[];
  waivers: IWaiverView[];
  waivable: IWaivable[];
  forms: IFormView[];
}

/** A case as the acting person sees it. `mine`: they have claimed it. `why_not`: why their approval would not count; empty: it would. */
export interface ICaseView {
  queued: IQueued;
  mine: boolean;
  why_not: string;
  open_questions: number;
}

/** A case, its state now, when somebody must have answered, and what has come due. */
export interface IQueued {
  case: ICase;
  state: State;
  deadline: string;
  due: string[];
}

/** One asked-for review. `number` is its place in the log; `asked_at` is by the log's order, whatever a clock said. */
export interface ICase {
  number: number;
  id: string;
  model: string;
  notebook: string;
  stage: string;
  report: string;
  packet: string;
  asked_by: IActor;
  asked_at: string;
  claimed_by: IActor | null;
  talk: ISaid[];
  reruns: ISecondRun[];
  words: IReview[];
  closed: boolean;
  changed: string[];
  terms: ITerms[];
}

/** A question or an answer in a case. */
export interface ISaid {
  kind: 'question' | 'answer';
  actor: IActor;
  time: string;
  text: string;
}

/** Somebody measured everything again; `same` says whether the report came out as it was. */
export interface ISecondRun {
  actor: IActor;
  time: string;
  found: string;
  same: boolean;
}

export type State =
  | 'waiting'
  | 'claimed'
  | 'answered'
  | 'refused'
  | 'closed'
  | 'void';

/** A waiver, why it lifts nothing now (empty: it does), and why the acting person may not say yes to it. `mine`: they asked for it. */
export interface IWaiverView {
  waiver: IWaiver;
  severity: string;
  objection: string;
  mine: boolean;
  why_not: string;
}

/** Lifts one validator's verdict, or one control's demands, until the end of the day `until`. */
export interface IWaiver {
  id: string;
  seq: number;
  waives: string;
  reason: string;
  limit: string;
  until: string;
  scope: string | null;
  asked_by: IActor;
  asked_at: string;
  approvals: IActor[];
  refused_by: IActor | null;
  withdrawn: boolean;
}

/** A check or control that could be lifted, with how it stands in the report. */
export interface IWaivable {
  name: string;
  title: string;
  severity: string;
  verdict: string;
}

/** A control, or a document, whose questions people answer. `human`: only somebody who did not work on the model may. */
export interface IFormView {
  control: string;
  title: string;
  automation: string;
  answered_by: string;
  answered_at: string | null;
}

/** The sealed packet of a case: what it holds, what is not as it was sealed, the verdicts it is about, and what changed since. */
export interface IPacketView {
  digest: string;
  report: string;
  model: string;
  stage: string;
  policies: string[];
  checks: ICheckLine[];
  unchecked: number;
  evidence: number;
  objects: number;
  cells: string[];
  problems: string[];
  changed: string[];
}

/** Whether a second measurement gave the same report, and which answers are others now. */
export interface IReran {
  same: boolean;
  found: string;
  others: string[];
}

/** What changed since the last report, in sentences; the answers that fall with it; those that hold; cells to run again, in order. */
export interface IImpact {
  changed: string[];
  falls: IFallen[];
  holds: string[];
  rerun: IRerun[];
  never_ran: string[];
  void: number[];
  unknown: string;
}

/** A check whose answer no longer stands, and which of the parts it rests on are others now. */
export interface IFallen {
  validator: string;
  parts: string[];
}

/** One cell to run again. `cell` is its id (or its place, from 1), `place` counts code cells from 1. */
export interface IRerun {
  cell: string;
  place: number;
  because: Because;
  why: string;
}

export type Because =
  | 'edited'
  | 'new'
  | 'upstream'
  | 'restore';

/** A control's questions for one model, with the newest answers about this very model, if any. */
export interface IAsked {
  policy: string;
  control: string;
  cite: string;
  obligation: string;
  verified: string;
  automation: string;
  questions: IQuestion[];
  answered: IForm | null;
}

/** What a person is asked where no machine can tell. `id` names the answer, also to validators that read answers. */
export interface IQuestion {
  id: string;
  text: string;
}

/** The answers one person gave to a control's questions: signed by the entry of the trail it came from, dated, bound to a model. */
export interface IForm {
  control: string;
  answers: Record<string, string>;
  actor: IActor;
  time: string;
  model: string | null;
  entry: string | null;
}

/** A gate's answer with all its reasons, replayable from the trail. `report` is None when there was none to judge. */
export interface IDecision {
  model: string;
  version: string;
  stage: string;
  answer: Answer;
  reasons: IReason[];
  report: string | null;
  team: string;
  asked_by: IActor;
  approved_by: IActor[];
  notes: string[];
  limits: ILimit[];
  until: string;
  waivers: string[];
}

export type Answer =
  | 'granted'
  | 'refused'
  | 'awaiting review';

/** What would be made. `refusals` say why the notebook cannot be cut into steps; `proof` names the targets that need a proof first. */
export interface IExportPlan {
  notebook: string;
  targets: string[];
  steps: IExportStep[];
  notes: string[];
  refusals: string[];
  files: IExportFile[];
  proof: string[];
  known: string[];
}

/** One step of the job: which cells it runs, after which steps, what it takes of them (`model of train`), gives, reads and writes. */
export interface IExportStep {
  name: string;
  tag: string;
  cells: string[];
  after: string[];
  takes: string[];
  gives: string[];
  reads: string[];
  writes: string[];
  parameters: string[];
}

/** A file that one target would write; `exists` says that one of ours is there, which it replaces. */
export interface IExportFile {
  target: string;
  path: string;
  exists: boolean;
}

/** The files that were written, below the workspace, and what the proof said (empty: none was needed). */
export interface IExportDone {
  files: string[];
  proof: string;
}

/** The published report (docs/formats/report.md): the facts with schema name, digest, counts and what blocks. */
export interface IReportJson extends IReport {
  schema: string;
  digest: string;
  counts: Record<string, number>;
  blocking: string[];
}

/** Mark, word and reading order (0 is the gravest) of each verdict. */
export const VERDICTS: Record<Verdict, { mark: string; word: string; rank: number }> = {
  pass: { mark: '✓', word: 'passed', rank: 4 },
  warn: { mark: '!', word: 'passed, look', rank: 3 },
  fail: { mark: '✕', word: 'failed', rank: 0 },
  inconclusive: { mark: '?', word: 'could not tell', rank: 2 },
  not_applicable: { mark: '–', word: 'does not apply', rank: 5 },
  error: { mark: '⚡', word: 'check broke', rank: 1 }
};

/** Severities, the gravest first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** Every sentence that the portfolio's figures and its order bring with them. */
export const PORTFOLIO_SAYS: readonly string[] = [
  'Deployments that stood',
  'versions that a decision let into the last stage',
  'Of these, the share that the registry showed and that no rollback has taken out since.',
  'Canary predicted = actual',
  'canaries about which both the canary and the labels gave a clear answer',
  'Of these, the share in which the labels that came later said what the canary had said.',
  'Hours in review',
  'reviews that were answered',
  'Hours by the calendar from asking to the first word that approves or refuses; nights and weekends count.',
  'Rollbacks that worked',
  'rollbacks that were asked for; drills are none',
  'Of these, the share after which registry and traffic showed the earlier version; refused and failed count against.',
  'Hours of documentation',
  'versions let into the last stage for which two answers or more were written in one sitting',
  'Hours between consecutive written answers of one person, where at most 30 minutes lie between them. The time before the first answer of a sitting is in no log, so this is a lower bound.',
  'From first cell to production',
  'models that came into the last stage for the first time, and whose first cell was recorded',
  'Hours by the calendar from the first recorded cell of the notebook to the registry\'s answer.',
  'Controls decided by machine',
  'controls in force in the newest whole report of every model',
  'Of these, the share every demand of which a validator answered (passed, look, failed, does not apply), and no person.',
  'Controls with a machine\'s evidence',
  'Of these, the share with at least one answer of a validator, people\'s answers or not.',
  'Weight of the tier (1: 3, 2: 2, 3: 1, not known: 3; house) times days since the newest whole report. A model that was never validated counts from the day it was first seen.'
];

/** The kinds a step can have. */
export const KINDS: readonly string[] = ['data', 'features', 'train', 'evaluate', 'register', 'report'];
