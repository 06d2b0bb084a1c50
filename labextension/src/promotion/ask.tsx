/* Asking for the next stage: said in full, done at the second click, and answered by the gate with all its reasons. */
import React from 'react';
import type { IDecision } from '../api/types';
import { Said } from '../panel/said';
import { aheadOf, isThere, may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import {
  called,
  Field,
  limitsSaid,
  Outcome,
  Sure,
  useDeed,
  useDraft
} from './acts';

export function AskForStage(props: ISectionProps): React.ReactElement | null {
  const { state, trans, actions } = props;
  const { view } = state;
  const stage = aheadOf(view);
  const [asked, setAsked] = React.useState(false);
  const [decision, setDecision] = React.useState<IDecision | null>(null);
  const deed = useDeed();
  const amount = useAmount(state.path ?? '', stage);
  React.useEffect(() => setDecision(null), [state.path]);
  // Another stage than the one that the question names: it is asked anew.
  React.useEffect(() => setAsked(false), [state.path, stage]);
  if (!view || !stage) {
    return null;
  }
  // What only the amount answers is no reason against asking once the amount is said.
  const limited = view.why.some(reason => reason.code.startsWith('limit-'));
  const standing = view.why.some(
    reason => !reason.code.startsWith('limit-') || !amount.body.limits
  );
  const why = may(state, 'run') ? '' : trans.__('You may look here, not ask.');
  const ask = () => {
    setAsked(false);
    setDecision(null);
    void deed.run(trans.__('The gate looks at everything…'), async () => {
      setDecision(
        await actions.send<IDecision>('promote', { stage, ...amount.body })
      );
      actions.refresh();
    });
  };
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-promote">
      {limited && !isThere(view) ? (
        <div className="jp-mlgov-grid" data-testid="mlgov-amount">
          <Field
            label={trans.__('Traffic asked for, %')}
            value={amount.traffic}
            write={amount.setTraffic}
          />
          <Field
            label={trans.__('Exposure asked for')}
            value={amount.exposure}
            write={amount.setExposure}
          />
        </div>
      ) : null}
      {isThere(view) ? null : asked ? (
        <Sure
          trans={trans}
          says={
            standing
              ? trans.__(
                  'Ask for %1 all the same? The gate will refuse, and the refusal enters the trail.',
                  stage
                )
              : trans.__(
                  'Ask for %1? If the gate grants it, the alias `%1` moves to this version of %2, and both enter the trail.',
                  stage,
                  view.model
                )
          }
          yes={trans.__('Yes, ask')}
          onYes={ask}
          onNo={() => setAsked(false)}
        />
      ) : (
        <button
          className="jp-mlgov-button"
          disabled={why !== '' || deed.busy !== ''}
          title={why}
          onClick={() => setAsked(true)}
        >
          {trans.__('Ask for %1…', stage)}
        </button>
      )}
      <Outcome deed={deed} />
      {decision ? <Decided decision={decision} trans={trans} /> : null}
    </div>
  );
}

interface IAmount {
  traffic: string;
  exposure: string;
  setTraffic(text: string): void;
  setExposure(text: string): void;
  /** What is sent: only what was said. */
  body: { limits?: string[] };
}

/** How much of the traffic or the exposure is asked for, where an approval allows a part. */
function useAmount(path: string, stage: string): IAmount {
  const [traffic, setTraffic] = useDraft(`asks traffic ${path} ${stage}`);
  const [exposure, setExposure] = useDraft(`asks exposure ${path} ${stage}`);
  const limits = limitsSaid(traffic, exposure);
  const body = limits.length ? { limits } : {};
  return { traffic, exposure, setTraffic, setExposure, body };
}

/** The gate's answer. */
function Decided(props: {
  decision: IDecision;
  trans: ISectionProps['trans'];
}): React.ReactElement {
  const { decision, trans } = props;
  const granted = decision.answer === 'granted';
  const people = decision.approved_by
    .map(actor => called(actor, trans))
    .join(', ');
  return (
    <div role="status" data-testid="mlgov-decision">
      <p className={`jp-mlgov-mod-${granted ? 'pass' : 'fail'}`}>
        <b>
          {granted
            ? trans.__(
                '✓ Granted: %1 is version %2 of %3.',
                decision.stage,
                decision.version,
                decision.model
              )
            : decision.answer === 'refused'
              ? trans.__('✕ Refused: %1 stays as it is.', decision.stage)
              : trans.__(
                  '⌛ Awaiting review: %1 stays as it is.',
                  decision.stage
                )}
        </b>
      </p>
      {granted && people ? <p>{trans.__('Approved by %1.', people)}</p> : null}
      <ul className="jp-mlgov-list">
        {decision.reasons.map((reason, index) => (
          <li key={`${reason.code} ${index}`}>
            ✕ <Said text={reason.sentence} />
          </li>
        ))}
        {decision.notes.map(note => (
          <li key={note} className="jp-mlgov-soft">
            <Said text={note} />
          </li>
        ))}
      </ul>
    </div>
  );
}
