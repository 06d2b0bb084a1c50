/* The Review section: what is to be read, who asked and who has it, who gave which word, and one's own. */
import React from 'react';
import type {
  ICaseView,
  INotebookView,
  IReview,
  IReviewDesk
} from '../api/types';
import { Said } from '../panel/said';
import { may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { verdictMark } from '../state/words';
import { called, Fold, Outcome, useDeed, utc } from './acts';
import { Case } from './case';
import { useDesk } from './desk';
import { Forms } from './forms';
import { Waivers } from './waivers';
import { Word } from './word';

export function Review(props: ISectionProps): React.ReactElement {
  const { state, trans } = props;
  const { view } = state;
  const { desk, trouble, take, again } = useDesk(props);
  if (!view?.report) {
    return (
      <p className="jp-mlgov-section" data-testid="mlgov-no-review">
        {trans.__(
          'There is nothing to review: this notebook has no report yet.'
        )}
      </p>
    );
  }
  return (
    <>
      <Report {...props} view={view} />
      {trouble ? (
        <div className="jp-mlgov-section" role="alert" data-testid="mlgov-desk">
          <p>
            <strong>{trans.__('The reviews cannot be shown.')}</strong>{' '}
            <Said text={trouble} />
          </p>
          <button className="jp-mlgov-button" onClick={again}>
            {trans.__('Try again')}
          </button>
        </div>
      ) : null}
      {!desk && !trouble ? (
        <p className="jp-mlgov-section" role="status">
          {trans.__('Reading who asked, and who has it…')}
        </p>
      ) : null}
      {desk ? (
        <Desk {...props} view={view} desk={desk} take={take} again={again} />
      ) : null}
    </>
  );
}

type DeskProps = ISectionProps & {
  view: INotebookView;
  desk: IReviewDesk;
  take(desk: IReviewDesk): void;
  again(): void;
};

const OVER = ['void', 'closed'];

function Desk(props: DeskProps): React.ReactElement {
  const { state, view, desk, actions, trans, again } = props;
  const live = desk.cases.filter(one => !OVER.includes(one.queued.state));
  const over = desk.cases.filter(one => OVER.includes(one.queued.state));
  // A case is about one report and one stage: that of the gate behind does not answer for the one ahead.
  const about = live.find(
    ({ queued }) =>
      queued.case.report === view.report && queued.case.stage === desk.stage
  );
  const given = () => {
    again();
    actions.refresh();
  };
  return (
    <>
      {live.map(one => (
        <Case
          key={one.queued.case.number}
          {...props}
          one={one}
          clock={desk.clock}
        />
      ))}
      {about ? null : <Ask {...props} />}
      <Words {...props} reviews={view.reviews} />
      {may(state, 'review') ? (
        <Word
          key={view.report}
          {...props}
          me={called(desk.me, trans)}
          whyNot={desk.why_not}
          today={desk.today}
          about={about ?? null}
          given={given}
        />
      ) : (
        <p className="jp-mlgov-section" data-testid="mlgov-may-not-review">
          {trans.__('You may read this, but not review it on this server.')}{' '}
          {whoMay(props)}
        </p>
      )}
      <Waivers {...props} />
      <Forms {...props} given={given} />
      {over.length ? <History {...props} over={over} /> : null}
    </>
  );
}

/** Whose approval counts at the next gate, and how many it needs. */
function whoMay({ desk, trans }: DeskProps): string {
  const people = desk.approvers.length
    ? trans.__('Who may approve: %1.', desk.approvers.join(', '))
    : trans.__('Who may approve: anybody who did not work on the model.');
  const needed = trans._n(
    '%1 approval is needed for %2.',
    '%1 approvals are needed for %2.',
    desk.needed,
    desk.stage
  );
  return `${people} ${needed}`;
}

/** Nobody was asked about this report: the one button that starts the clock. */
function Ask(props: DeskProps): React.ReactElement {
  const { desk, trans, actions, state, take, view } = props;
  const deed = useDeed();
  const stale = view.checks.some(check => check.stale);
  const why = stale
    ? trans.__('Validate again first: these verdicts are stale.')
    : may(state, 'run')
      ? ''
      : trans.__('You may look here, not ask.');
  const ask = () =>
    deed.run(trans.__('Sealing the packet…'), async () =>
      take(await actions.send<IReviewDesk>('review/ask', { stage: desk.stage }))
    );
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-ask">
      <p>
        {trans.__('Nobody was asked to review this report for %1.', desk.stage)}{' '}
        {whoMay(props)}
      </p>
      <div className="jp-mlgov-buttons">
        <button
          className="jp-mlgov-button"
          disabled={why !== '' || deed.busy !== ''}
          title={why}
          onClick={() => void ask()}
        >
          {trans.__('Ask for a review')}
        </button>
        <span className="jp-mlgov-soft">
          {why || trans.__('They have %1.', desk.clock)}
        </span>
      </div>
      <Outcome deed={deed} />
    </div>
  );
}

/** Cases that are over, with how they ended. */
function History(
  props: DeskProps & { over: readonly ICaseView[] }
): React.ReactElement {
  const { over, trans } = props;
  return (
    <Fold
      id="mlgov-history"
      title={trans.__('Earlier reviews')}
      note={String(over.length)}
    >
      {over.map(one => (
        <Case key={one.queued.case.number} {...props} one={one} clock="" />
      ))}
    </Fold>
  );
}

/** What one's word would be about: the model and its report, by digest, with the way to read it. */
function Report(
  props: ISectionProps & { view: INotebookView }
): React.ReactElement {
  const { view, trans, actions } = props;
  const counts = new Map<string, number>();
  for (const check of view.checks) {
    counts.set(check.verdict, (counts.get(check.verdict) ?? 0) + 1);
  }
  const stale = view.checks.find(check => check.stale)?.stale ?? '';
  return (
    <div className="jp-mlgov-section">
      <p>
        <strong>{view.model}</strong>
        {view.gate ? ` · ${view.gate}` : ''}
      </p>
      <p className="jp-mlgov-tally">
        {[...counts].map(([verdict, count]) => {
          const { mark, word, role } = verdictMark(verdict, trans);
          return (
            <span key={verdict} className={`jp-mlgov-mod-${role}`}>
              <b>
                {mark} {count}
              </b>{' '}
              {word}
            </span>
          );
        })}
        {view.unchecked ? (
          <span className="jp-mlgov-mod-mute">
            <b>○ {view.unchecked}</b> {trans.__('not checked here')}
          </span>
        ) : null}
      </p>
      {stale ? (
        <p className="jp-mlgov-note jp-mlgov-mod-warn">
          ↻ <Said text={trans.__('These verdicts are stale: %1.', stale)} />
        </p>
      ) : null}
      <div className="jp-mlgov-row">
        <span className="jp-mlgov-soft">
          {trans.__('report')}{' '}
          <code title={view.report}>{view.report.slice(0, 19)}…</code>
        </span>
        <button
          className="jp-mlgov-button"
          onClick={() => actions.open('checks')}
        >
          {trans.__('Read it')}
        </button>
      </div>
    </div>
  );
}

/** Who said what on this very report. */
function Words(
  props: ISectionProps & { reviews: readonly IReview[] }
): React.ReactElement {
  const { reviews, trans } = props;
  if (!reviews.length) {
    return (
      <p className="jp-mlgov-section jp-mlgov-soft">
        {trans.__('Nobody has given a word on this report yet.')}
      </p>
    );
  }
  return (
    <ul className="jp-mlgov-list">
      {reviews.map(one => (
        <li
          key={`${one.actor.id} ${one.time}`}
          className="jp-mlgov-check"
          data-testid="mlgov-review"
        >
          <span
            className={`jp-mlgov-mark jp-mlgov-mod-${one.verdict === 'approve' ? 'pass' : 'fail'}`}
            aria-hidden
          >
            {one.verdict === 'approve' ? '✓' : '✕'}
          </span>
          <div>
            <div className="jp-mlgov-row">
              <strong>
                {called(one.actor, trans)}{' '}
                {one.verdict === 'approve'
                  ? trans.__('approved')
                  : trans.__('refused')}
              </strong>
              <time className="jp-mlgov-soft" dateTime={one.time}>
                {utc(one.time, trans)}
              </time>
            </div>
            {one.comment ? <div>{one.comment}</div> : null}
            {one.limits.length || one.until ? (
              <div className="jp-mlgov-mod-warn" data-testid="mlgov-limits">
                {trans.__('on condition: %1', limitsOf(one, trans))}
              </div>
            ) : null}
            {one.attests_unchecked ? (
              <div className="jp-mlgov-soft">
                {trans.__('judged by hand what no validator checks here')}
              </div>
            ) : null}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** `traffic at most 5%, until 2026-12-31`. */
function limitsOf(review: IReview, trans: ISectionProps['trans']): string {
  const limits = review.limits.map(limit =>
    limit.name === 'traffic'
      ? trans.__('traffic at most %1', percent(limit.most))
      : trans.__('exposure at most %1', limit.most.toLocaleString('en'))
  );
  return [...limits, review.until && trans.__('until %1', review.until)]
    .filter(Boolean)
    .join(', ');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}
