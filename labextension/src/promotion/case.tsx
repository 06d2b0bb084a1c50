/* One review: who asked, who has it, how long is left, its packet, what was said, and what a second measurement gave. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { ICaseView, IReran, IReviewDesk } from '../api/types';
import { may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { called, Field, Outcome, span, useDeed, useDraft, utc } from './acts';
import { Packet } from './packet';

type CaseProps = ISectionProps & {
  one: ICaseView;
  clock: string;
  take(desk: IReviewDesk): void;
};

export function Case(props: CaseProps): React.ReactElement {
  const { one, trans } = props;
  const { case: found, state } = one.queued;
  const [opened, setOpened] = React.useState(false);
  const { word, role } = stateWords(state, trans);
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-case">
      <div className="jp-mlgov-row">
        <strong>
          {trans.__('Review %1 for %2', found.number, found.stage)}
        </strong>
        <span className={`jp-mlgov-mod-${role}`} data-testid="mlgov-case-state">
          {word}
        </span>
      </div>
      <Clock {...props} />
      {found.changed.length ? (
        <p className="jp-mlgov-note jp-mlgov-mod-warn">
          {trans.__(
            'No word on it counts any more: %1. Ask again after validating.',
            found.changed.join('; ')
          )}
        </p>
      ) : null}
      <Handling {...props} opened={opened} open={setOpened} />
      {opened ? <Packet {...props} number={found.number} /> : null}
      <Reruns {...props} />
      <Talk {...props} />
    </div>
  );
}

export function stateWords(
  state: ICaseView['queued']['state'],
  trans: TranslationBundle
): { word: string; role: string } {
  switch (state) {
    case 'waiting':
      return { word: trans.__('waits for a reviewer'), role: 'warn' };
    case 'claimed':
      return { word: trans.__('being reviewed'), role: 'unknown' };
    case 'answered':
      return { word: trans.__('approved'), role: 'pass' };
    case 'refused':
      return { word: trans.__('refused'), role: 'fail' };
    case 'closed':
      return { word: trans.__('the gate has opened'), role: 'pass' };
    default:
      return { word: trans.__('void'), role: 'mute' };
  }
}

/** Who asked and has it, and the time that is left or over. */
function Clock({ one, trans, clock }: CaseProps): React.ReactElement {
  const { case: found, state, deadline, due } = one.queued;
  const runs = state === 'waiting' || state === 'claimed';
  const late = due.includes('alarm');
  const time = span(deadline);
  return (
    <p className="jp-mlgov-soft">
      {trans.__(
        'asked by %1, %2',
        called(found.asked_by, trans),
        utc(found.asked_at, trans)
      )}
      {found.claimed_by ? (
        <>
          {' · '}
          {one.mine
            ? trans.__('you have it')
            : trans.__('%1 has it', called(found.claimed_by, trans))}
        </>
      ) : null}
      {runs ? (
        <>
          <br />
          <span
            className={due.length ? 'jp-mlgov-mod-fail' : ''}
            title={utc(deadline, trans)}
            data-testid="mlgov-clock"
          >
            ⌛{' '}
            {late ? trans.__('overdue by %1', time) : trans.__('%1 left', time)}
            {due.includes('escalation') ? trans.__(', escalated') : ''}
          </span>{' '}
          {trans.__('of %1', clock)}
        </>
      ) : null}
    </p>
  );
}

/** Take it, let it go, open the packet, measure again. */
function Handling(
  props: CaseProps & { opened: boolean; open(on: boolean): void }
): React.ReactElement {
  const { one, trans, actions, take, state, opened, open } = props;
  const deed = useDeed();
  const [reran, setReran] = React.useState<IReran | null>(null);
  const review = one.queued.case.number;
  const live = !['void', 'closed'].includes(one.queued.state);
  const reviews = may(state, 'review') && live;
  const claim = (act: 'claim' | 'release') =>
    deed.run(trans.__('Writing it down…'), async () =>
      take(await actions.send<IReviewDesk>('review/claim', { review, act }))
    );
  const measure = () =>
    deed.run(
      trans.__('Measuring everything again on the server…'),
      async () => {
        setReran(await actions.send<IReran>('review/rerun', { review }));
        actions.refresh();
      }
    );
  return (
    <>
      <div className="jp-mlgov-buttons">
        {reviews && !one.queued.case.claimed_by ? (
          <button
            type="button"
            className="jp-mlgov-button"
            disabled={deed.busy !== '' || one.why_not !== ''}
            title={one.why_not}
            onClick={() => void claim('claim')}
          >
            {trans.__('Take it')}
          </button>
        ) : null}
        {reviews && one.mine ? (
          <button
            type="button"
            className="jp-mlgov-button"
            disabled={deed.busy !== ''}
            onClick={() => void claim('release')}
          >
            {trans.__('Let it go')}
          </button>
        ) : null}
        <button
          type="button"
          className="jp-mlgov-button"
          aria-expanded={opened}
          onClick={() => open(!opened)}
        >
          {opened ? trans.__('Close the packet') : trans.__('Read the packet')}
        </button>
        {reviews ? (
          <button
            type="button"
            className="jp-mlgov-button"
            disabled={deed.busy !== ''}
            title={trans.__(
              'All checks once more, on what is on record; the trail says what came out'
            )}
            onClick={() => void measure()}
          >
            {trans.__('Measure again')}
          </button>
        ) : null}
      </div>
      <Outcome deed={deed} />
      {reran && !reran.same ? (
        <ul className="jp-mlgov-list jp-mlgov-mod-fail" role="alert">
          {reran.others.map(other => (
            <li key={other}>✕ {other}</li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function Reruns({ one, trans }: CaseProps): React.ReactElement | null {
  const { reruns } = one.queued.case;
  return reruns.length ? (
    <ul className="jp-mlgov-list" data-testid="mlgov-reruns">
      {reruns.map(again => (
        <li key={again.time}>
          <span className={`jp-mlgov-mod-${again.same ? 'pass' : 'fail'}`}>
            {again.same ? '✓' : '✕'}
          </span>{' '}
          {again.same
            ? trans.__(
                '%1 measured again: the same report.',
                called(again.actor, trans)
              )
            : trans.__(
                '%1 measured again: another report came out.',
                called(again.actor, trans)
              )}
        </li>
      ))}
    </ul>
  ) : null;
}

/** Questions and answers in their order, and the line for the next one. */
function Talk(props: CaseProps): React.ReactElement {
  const { one, trans, state } = props;
  const { talk } = one.queued.case;
  const live = !['void', 'closed'].includes(one.queued.state);
  const asks = may(state, 'review') && one.why_not === '';
  return (
    <>
      {talk.length ? (
        <ol className="jp-mlgov-list jp-mlgov-talk" data-testid="mlgov-talk">
          {talk.map(said => (
            <li key={`${said.time} ${said.text}`}>
              <span className="jp-mlgov-soft">
                {called(said.actor, trans)}{' '}
                {said.kind === 'question'
                  ? trans.__('asks:')
                  : trans.__('answers:')}
              </span>{' '}
              {said.text}
            </li>
          ))}
        </ol>
      ) : null}
      {live && (asks || may(state, 'run')) ? (
        <Say key={asks ? 'q' : 'a'} {...props} asks={asks} />
      ) : null}
    </>
  );
}

function Say(props: CaseProps & { asks: boolean }): React.ReactElement | null {
  const { one, asks, trans, actions, take } = props;
  const review = one.queued.case.number;
  const [text, write] = useDraft(`say ${review}`);
  const deed = useDeed();
  if (!asks && !one.open_questions) {
    return null;
  }
  const send = async () => {
    const route = asks ? 'review/question' : 'review/answer';
    const done = await deed.run(trans.__('Writing it down…'), async () =>
      take(await actions.send<IReviewDesk>(route, { review, text }))
    );
    if (done) {
      write('');
    }
  };
  return (
    <form
      className="jp-mlgov-form jp-mlgov-inline"
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      <Field
        label={
          asks
            ? trans.__('A question to those who made it')
            : trans.__('Your answer')
        }
        value={text}
        write={write}
      />
      <button
        className="jp-mlgov-button"
        disabled={!text.trim() || deed.busy !== ''}
      >
        {asks ? trans.__('Ask') : trans.__('Answer')}
      </button>
      <Outcome deed={deed} />
    </form>
  );
}
