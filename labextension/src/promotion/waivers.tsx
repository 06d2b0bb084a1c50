/* Waivers: what somebody asked to lift for a while, who said yes, and the form that asks. */
import React from 'react';
import type { IReviewDesk, IWaiverView } from '../api/types';
import { may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { called, Field, Fold, Outcome, Sure, useDeed, useDraft } from './acts';

type DeskProps = ISectionProps & {
  desk: IReviewDesk;
  take(desk: IReviewDesk): void;
};

export function Waivers(props: DeskProps): React.ReactElement | null {
  const { desk, trans, state } = props;
  const asks = may(state, 'run') && desk.waivable.length > 0;
  if (!desk.waivers.length && !asks) {
    return null;
  }
  const lifting = desk.waivers.filter(one => !one.objection).length;
  const note = desk.waivers.length
    ? trans.__('%1 asked for, %2 in force', desk.waivers.length, lifting)
    : trans.__('none was asked for');
  const open = desk.waivers.some(one => !one.why_not && waits(one));
  return (
    <Fold
      id="mlgov-waivers"
      title={trans.__('Waivers')}
      note={note}
      open={open || undefined}
    >
      {desk.waivers.length ? (
        <ul className="jp-mlgov-list">
          {desk.waivers.map(one => (
            <Waiver key={one.waiver.id} {...props} one={one} />
          ))}
        </ul>
      ) : null}
      {asks ? <AskWaiver {...props} /> : null}
    </Fold>
  );
}

/** Whether a yes could still make it lift something. */
function waits({ waiver, objection }: IWaiverView): boolean {
  return objection !== '' && !waiver.withdrawn && !waiver.refused_by;
}

function Waiver(props: DeskProps & { one: IWaiverView }): React.ReactElement {
  const { one, trans } = props;
  const { waiver } = one;
  const yes = waiver.approvals.map(actor => called(actor, trans)).join(', ');
  return (
    <li className="jp-mlgov-check" data-testid="mlgov-waiver">
      <span
        className={`jp-mlgov-mark jp-mlgov-mod-${one.objection ? 'mute' : 'warn'}`}
        aria-hidden
      >
        {one.objection ? '·' : '~'}
      </span>
      <div>
        <div className="jp-mlgov-row">
          <span>
            <code>{waiver.waives}</code> {trans.__('until %1', waiver.until)}
            {waiver.scope ? '' : trans.__(', every version')}
          </span>
          <span className="jp-mlgov-soft">{one.severity}</span>
        </div>
        <div>
          {trans.__('%1: %2', called(waiver.asked_by, trans), waiver.reason)}
        </div>
        <div className="jp-mlgov-soft">
          {trans.__('limit: %1', waiver.limit)}
          {yes ? ` · ${trans.__('yes from %1', yes)}` : ''}
        </div>
        <div className={`jp-mlgov-mod-${one.objection ? 'mute' : 'warn'}`}>
          {one.objection
            ? trans.__('Lifts nothing now: %1.', one.objection)
            : trans.__('In force: the gate does not ask for it.')}
        </div>
        <AnswerWaiver {...props} />
      </div>
    </li>
  );
}

/** Yes or no, by somebody else; or taking one's own back. */
function AnswerWaiver(
  props: DeskProps & { one: IWaiverView }
): React.ReactElement | null {
  const { one, trans, actions, state, take } = props;
  const [comment, write] = useDraft(`waiver ${one.waiver.seq}`);
  const [asked, setAsked] = React.useState<
    '' | 'approve' | 'refuse' | 'withdraw'
  >('');
  const deed = useDeed();
  const waiver = one.waiver.seq;
  const mine = one.mine && may(state, 'run');
  if (one.waiver.withdrawn || one.waiver.refused_by) {
    return null;
  }
  if (!mine && !may(state, 'review')) {
    return null;
  }
  const act = async () => {
    const route = asked === 'withdraw' ? 'waiver/withdraw' : 'waiver/answer';
    const body =
      asked === 'withdraw' ? { waiver } : { waiver, verdict: asked, comment };
    setAsked('');
    const done = await deed.run(trans.__('Writing it down…'), async () =>
      take(await actions.send<IReviewDesk>(route, body))
    );
    if (done) {
      write('');
    }
  };
  const says = {
    '': '',
    approve: trans.__(
      'Say yes to lifting `%1` until %2? It stands in the trail for good.',
      one.waiver.waives,
      one.waiver.until
    ),
    refuse: trans.__('Say no to lifting `%1`, for good?', one.waiver.waives),
    withdraw: trans.__('Take back your waiver of `%1`?', one.waiver.waives)
  };
  if (asked) {
    return (
      <Sure
        trans={trans}
        says={says[asked]}
        yes={
          asked === 'approve'
            ? trans.__('Yes, lift it')
            : asked === 'refuse'
              ? trans.__('Yes, refuse it')
              : trans.__('Yes, take it back')
        }
        onYes={() => void act()}
        onNo={() => setAsked('')}
      />
    );
  }
  return (
    <>
      {mine ? (
        <div className="jp-mlgov-buttons">
          <button
            type="button"
            className="jp-mlgov-button"
            onClick={() => setAsked('withdraw')}
          >
            {trans.__('Take it back…')}
          </button>
        </div>
      ) : one.why_not ? (
        <div className="jp-mlgov-soft">
          {trans.__('You cannot say yes: %1.', one.why_not)}
        </div>
      ) : (
        <div className="jp-mlgov-form">
          <Field
            label={trans.__('Your word on this waiver')}
            value={comment}
            write={write}
          />
          <div className="jp-mlgov-buttons">
            <button
              type="button"
              className="jp-mlgov-button"
              disabled={!comment.trim()}
              onClick={() => setAsked('approve')}
            >
              {trans.__('Lift it…')}
            </button>
            <button
              type="button"
              className="jp-mlgov-button"
              disabled={!comment.trim()}
              onClick={() => setAsked('refuse')}
            >
              {trans.__('Refuse it…')}
            </button>
          </div>
        </div>
      )}
      <Outcome deed={deed} />
    </>
  );
}

/** What, why, what makes up for it, until when, for which versions: nothing is lifted before others said yes. */
function AskWaiver(props: DeskProps): React.ReactElement {
  const { desk, trans, actions, take } = props;
  const key = (name: string) => `ask ${name} ${desk.me.id}`;
  const [waives, setWaives] = React.useState(desk.waivable[0].name);
  const [reason, setReason] = useDraft(key('reason'));
  const [limit, setLimit] = useDraft(key('limit'));
  const [until, setUntil] = useDraft(key('until'));
  const [scope, setScope] = React.useState<'version' | 'model'>('version');
  const deed = useDeed();
  const ready = [reason, limit, until].every(text => text.trim());
  const ask = async () => {
    const wish = { waives, reason, limit, until, scope };
    const done = await deed.run(trans.__('Writing it down…'), async () =>
      take(await actions.send<IReviewDesk>('waiver', wish))
    );
    if (done) {
      [setReason, setLimit, setUntil].forEach(clear => clear(''));
    }
  };
  return (
    <details className="jp-mlgov-more" data-testid="mlgov-ask-waiver">
      <summary>{trans.__('Ask for a waiver')}</summary>
      <form
        className="jp-mlgov-form"
        onSubmit={event => {
          event.preventDefault();
          void ask();
        }}
      >
        <label className="jp-mlgov-field">
          <span>{trans.__('What is to be lifted')}</span>
          <select
            value={waives}
            onChange={event => setWaives(event.target.value)}
          >
            {desk.waivable.map(one => (
              <option key={one.name} value={one.name}>
                {`${one.name} · ${one.severity} · ${one.title}`.slice(0, 90)}
              </option>
            ))}
          </select>
        </label>
        <Field
          label={trans.__('Why it is bearable')}
          value={reason}
          write={setReason}
          rows={2}
        />
        <Field
          label={trans.__('What makes up for it')}
          hint={trans.__('less traffic, a manual check, a smaller book')}
          value={limit}
          write={setLimit}
        />
        <div className="jp-mlgov-grid">
          <Field
            label={trans.__('Until')}
            hint={trans.__('90 days at most')}
            kind="date"
            min={desk.today}
            value={until}
            write={setUntil}
          />
          <label className="jp-mlgov-field">
            <span>{trans.__('For')}</span>
            <select
              value={scope}
              onChange={event =>
                setScope(event.target.value === 'model' ? 'model' : 'version')
              }
            >
              <option value="version">{trans.__('this version')}</option>
              <option value="model">{trans.__('every version')}</option>
            </select>
          </label>
        </div>
        <button
          className="jp-mlgov-button"
          disabled={!ready || deed.busy !== ''}
          title={ready ? '' : trans.__('Fill in every line first.')}
        >
          {trans.__('Ask for it')}
        </button>
        <Outcome deed={deed} />
      </form>
    </details>
  );
}
