/* One's own word on a report: approve, with conditions where some are set, or refuse. Said in full before it is given. */
import React from 'react';
import type { ICaseView, INotebookView, IReview } from '../api/types';
import type { ISectionProps } from '../state/tokens';
import { Field, limitsSaid, Outcome, Sure, useDeed, useDraft } from './acts';

type WordProps = ISectionProps & {
  view: INotebookView;
  /** Who it would be by: with a shared token that is not who the browser says. */
  me: string;
  whyNot: string;
  today: string;
  /** The live case on this report, if somebody asked for one. */
  about: ICaseView | null;
  given(): void;
};

export function Word(props: WordProps): React.ReactElement {
  const { view, trans, whyNot } = props;
  const [comment, setComment] = useDraft(`word ${view.report}`);
  const [attests, setAttests] = React.useState(false);
  const conditions = useConditions(view.report, trans);
  const [asked, setAsked] = React.useState<'' | 'approve' | 'refuse'>('');
  const deed = useDeed();
  const give = async (verdict: 'approve' | 'refuse') => {
    setAsked('');
    const body = {
      verdict,
      report: view.report,
      comment: comment.trim(),
      attests_unchecked: attests && verdict === 'approve',
      ...(verdict === 'approve' ? conditions.body : {}),
      ...(props.about ? { review: props.about.queued.case.number } : {})
    };
    const done = await deed.run(trans.__('Writing it down…'), () =>
      props.actions.send<IReview>('review', body)
    );
    if (done) {
      setComment('');
      props.given();
    }
  };
  const ready = comment.trim() !== '' && deed.busy === '';
  return (
    <form
      className="jp-mlgov-section jp-mlgov-form"
      data-testid="mlgov-review-form"
      onSubmit={event => event.preventDefault()}
    >
      {whyNot ? (
        <p className="jp-mlgov-note jp-mlgov-mod-warn" data-testid="mlgov-self">
          {trans.__('You cannot approve it: %1.', whyNot)}
        </p>
      ) : null}
      <Field
        label={trans.__('Your word on this report, as %1', props.me)}
        value={comment}
        write={setComment}
        rows={3}
      />
      {view.unchecked && !whyNot ? (
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
      {whyNot ? null : <Conditions {...props} set={conditions} />}
      {asked ? (
        <Sure
          trans={trans}
          says={sureOf(props, asked, conditions.words)}
          yes={
            asked === 'approve'
              ? trans.__('Yes, approve')
              : trans.__('Yes, refuse')
          }
          onYes={() => void give(asked)}
          onNo={() => setAsked('')}
        />
      ) : (
        <div className="jp-mlgov-buttons">
          <button
            type="button"
            className="jp-mlgov-button"
            disabled={!ready || whyNot !== ''}
            title={ready ? whyNot : trans.__('Say why first.')}
            onClick={() => setAsked('approve')}
          >
            {conditions.words
              ? trans.__('Approve with conditions…')
              : trans.__('Approve…')}
          </button>
          <button
            type="button"
            className="jp-mlgov-button"
            disabled={!ready}
            title={ready ? '' : trans.__('Say why first.')}
            onClick={() => setAsked('refuse')}
          >
            {trans.__('Refuse…')}
          </button>
        </div>
      )}
      <Outcome deed={deed} />
    </form>
  );
}

interface IConditions {
  traffic: string;
  exposure: string;
  until: string;
  setTraffic(text: string): void;
  setExposure(text: string): void;
  setUntil(text: string): void;
  /** What is sent: only what was set. */
  body: { conditions?: string[]; until?: string };
  /** The same for a person; '' where nothing was set. */
  words: string;
}

function useConditions(
  report: string,
  trans: ISectionProps['trans']
): IConditions {
  const [traffic, setTraffic] = useDraft(`traffic ${report}`);
  const [exposure, setExposure] = useDraft(`exposure ${report}`);
  const [until, setUntil] = useDraft(`until ${report}`);
  const conditions = limitsSaid(traffic, exposure);
  const body = {
    ...(conditions.length ? { conditions } : {}),
    ...(until ? { until } : {})
  };
  const words = [
    traffic.trim() &&
      trans.__('traffic at most %1', traffic.trim().replace(/%?$/, '%')),
    exposure.trim() && trans.__('exposure at most %1', exposure.trim()),
    until && trans.__('until %1', until)
  ].filter(Boolean);
  return {
    traffic,
    exposure,
    until,
    setTraffic,
    setExposure,
    setUntil,
    body,
    words: words.join(', ')
  };
}

function Conditions({
  set,
  trans,
  today
}: WordProps & { set: IConditions }): React.ReactElement {
  return (
    <details className="jp-mlgov-more" open={set.words !== ''}>
      <summary>{trans.__('Conditions')}</summary>
      <div className="jp-mlgov-grid">
        <Field
          label={trans.__('Traffic at most, %')}
          value={set.traffic}
          write={set.setTraffic}
        />
        <Field
          label={trans.__('Exposure at most')}
          value={set.exposure}
          write={set.setExposure}
        />
        <Field
          label={trans.__('Counts until')}
          kind="date"
          min={today}
          value={set.until}
          write={set.setUntil}
        />
      </div>
    </details>
  );
}

/** What is about to be done, to whom it counts, and that it stays. */
function sureOf(
  { view, trans, me }: WordProps,
  verdict: 'approve' | 'refuse',
  conditions: string
): string {
  const report = view.report.slice(0, 19);
  if (verdict === 'refuse') {
    return trans.__(
      'Refuse report `%1` of %2 as %3? The gate stays shut until another report is approved. It stands in the trail for good.',
      report,
      view.model,
      me
    );
  }
  return conditions
    ? trans.__(
        'Approve report `%1` of %2 as %3, with %4? It stands in the trail for good.',
        report,
        view.model,
        me,
        conditions
      )
    : trans.__(
        'Approve report `%1` of %2 as %3? It stands in the trail for good.',
        report,
        view.model,
        me
      );
}
