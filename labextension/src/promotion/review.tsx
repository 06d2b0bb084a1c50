/* The Review section: what is to be read, who gave which word on it, and one's own word. */
import React from 'react';
import { Refusal } from '../api/request';
import type { INotebookView, IReview } from '../api/types';
import { may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { verdictMark } from '../state/words';

export function Review(props: ISectionProps): React.ReactElement {
  const { state, trans } = props;
  const { view } = state;
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
      <Packet {...props} view={view} />
      <Words {...props} reviews={view.reviews} />
      {may(state, 'review') ? (
        <Form key={view.report} {...props} view={view} />
      ) : (
        <p className="jp-mlgov-section" data-testid="mlgov-may-not-review">
          {trans.__('You may read this, but not review it on this server.')}
        </p>
      )}
    </>
  );
}

/** What one's word would be about: the model and its report, by digest, with the way to read it. */
function Packet(
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
          const { mark, word, role } = verdictMark(verdict);
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
          ↻ {trans.__('These verdicts are stale: %1.', stale)}
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
                {one.actor.name || one.actor.id}{' '}
                {one.verdict === 'approve'
                  ? trans.__('approved')
                  : trans.__('refused')}
              </strong>
              <time className="jp-mlgov-soft" dateTime={one.time}>
                {trans.__('%1 UTC', one.time.slice(0, 16).replace('T', ' '))}
              </time>
            </div>
            {one.comment ? <div>{one.comment}</div> : null}
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

function Form(
  props: ISectionProps & { view: INotebookView }
): React.ReactElement {
  const { state, view, trans, actions } = props;
  const [comment, setComment] = React.useState('');
  const [attests, setAttests] = React.useState(false);
  const [told, setTold] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const give = (verdict: 'approve' | 'refuse') => {
    setBusy(true);
    setTold('');
    actions
      .send<IReview>('review', {
        verdict,
        report: view.report,
        comment: comment.trim(),
        attests_unchecked: attests
      })
      .then(() => {
        setComment('');
        actions.refresh();
      })
      .catch((error: unknown) =>
        setTold(
          error instanceof Refusal
            ? [error.trouble.message, error.trouble.next]
                .filter(Boolean)
                .join(' ')
            : String(error)
        )
      )
      .finally(() => setBusy(false));
  };
  const ready = comment.trim() !== '' && !busy;
  return (
    <form
      className="jp-mlgov-section jp-mlgov-form"
      data-testid="mlgov-review-form"
      onSubmit={event => event.preventDefault()}
    >
      <label>
        {state.user
          ? trans.__('Your word on this report, as %1', state.user)
          : trans.__('Your word on this report')}
        <textarea
          rows={3}
          value={comment}
          onChange={event => setComment(event.target.value)}
        />
      </label>
      {view.unchecked ? (
        <label className="jp-mlgov-tick">
          <input
            type="checkbox"
            checked={attests}
            onChange={event => setAttests(event.target.checked)}
          />
          <span>
            {trans._n(
              'I judged by hand the %1 control that nothing checks here.',
              'I judged by hand the %1 controls that nothing checks here.',
              view.unchecked
            )}
          </span>
        </label>
      ) : null}
      <div className="jp-mlgov-buttons">
        <button
          type="button"
          className="jp-mlgov-button"
          disabled={!ready}
          title={ready ? '' : trans.__('Say why first.')}
          onClick={() => give('approve')}
        >
          {trans.__('Approve')}
        </button>
        <button
          type="button"
          className="jp-mlgov-button"
          disabled={!ready}
          title={ready ? '' : trans.__('Say why first.')}
          onClick={() => give('refuse')}
        >
          {trans.__('Refuse')}
        </button>
      </div>
      <p className="jp-mlgov-soft">
        {trans.__(
          'It counts for this report alone, and never from an author of the model.'
        )}
      </p>
      {told ? (
        <p className="jp-mlgov-note jp-mlgov-mod-fail" role="alert">
          {told}
        </p>
      ) : null}
    </form>
  );
}
