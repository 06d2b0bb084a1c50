/* The Trail section: the entries as sentences, older ones on demand, and whether the whole is sound. */
import React from 'react';
import { Refusal } from '../api/request';
import type { ITrailLine, ITrailPage, ITrailVerified } from '../api/types';
import { Said } from '../panel/said';
import { gateOf } from '../state/model';
import type { ISectionProps } from '../state/tokens';

export function Trail(props: ISectionProps): React.ReactElement {
  const { state, trans, actions } = props;
  const newest = state.view?.trail ?? [];
  const [older, setOlder] = React.useState<readonly ITrailLine[]>([]);
  const [trouble, setTrouble] = React.useState('');
  const { path } = state;
  React.useEffect(() => setOlder([]), [path]);
  // What was read before is not shown while the record cannot be read: nobody knows whether it still says so.
  const lines = newest.length ? joined(newest, older) : [];
  const last = lines.length ? lines[lines.length - 1].seq : 0;
  const empty = !lines.length && gateOf(state) !== 'unreadable';
  const more = () =>
    actions
      .ask<ITrailPage>('trail', { before: String(last), limit: '100' })
      .then(page => setOlder(joined(older, page.lines)))
      .catch(error => setTrouble(saidBy(error)));
  return (
    <>
      <Verify {...props} />
      {empty ? (
        <p className="jp-mlgov-section">
          {trans.__('The trail is empty: nothing was recorded yet.')}
        </p>
      ) : null}
      <ol className="jp-mlgov-list jp-mlgov-trail">
        {lines.map(line => (
          <li
            key={line.seq}
            data-testid="mlgov-trail"
            title={`${line.time}\n${line.digest}`}
          >
            <span className="jp-mlgov-soft">{line.seq}</span>
            <span>{line.sentence}</span>
            <time className="jp-mlgov-soft" dateTime={line.time}>
              {clock(line.time)}
            </time>
          </li>
        ))}
      </ol>
      {trouble ? (
        <p className="jp-mlgov-note jp-mlgov-mod-fail" role="alert">
          {trouble}
        </p>
      ) : null}
      {last > 1 ? (
        <p className="jp-mlgov-section">
          <button className="jp-mlgov-button" onClick={more}>
            {trans.__('Show older entries')}
          </button>
        </p>
      ) : null}
    </>
  );
}

/** The button that checks the whole trail, and its answer: what was proven, what is broken, what nobody could prove. */
function Verify({ state, trans, actions }: ISectionProps): React.ReactElement {
  const [answer, setAnswer] = React.useState<ITrailVerified | null>(null);
  const [words, setWords] = React.useState('');
  const { path } = state;
  React.useEffect(() => {
    setAnswer(null);
    setWords('');
  }, [path]);
  const verify = () => {
    setAnswer(null);
    setWords(trans.__('Checking every entry, signature and anchor…'));
    actions
      .ask<ITrailVerified>('verify')
      .then(found => {
        setAnswer(found);
        setWords('');
      })
      .catch(error => setWords(saidBy(error)));
  };
  const role = answer?.ok ? 'pass' : 'fail';
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-verify">
      <button className="jp-mlgov-button" onClick={verify}>
        {trans.__('Verify the trail')}
      </button>
      {words ? <p role="status">{words}</p> : null}
      {answer ? (
        <div role="status" className="jp-mlgov-answer">
          <p className={`jp-mlgov-mod-${role}`}>
            <b>
              {answer.ok ? '✓' : '✕'} {answer.sentence}
            </b>
          </p>
          <ul className="jp-mlgov-list">
            {answer.proven.map(line => (
              <li key={line}>✓ {line}</li>
            ))}
            {answer.broken.map(line => (
              <li key={line} className="jp-mlgov-mod-fail">
                ✕ {line}
              </li>
            ))}
            {answer.unproven.map(line => (
              <li key={line} className="jp-mlgov-mod-warn">
                ? <Said text={line} />
              </li>
            ))}
          </ul>
          <p className="jp-mlgov-soft">
            <Said text={answer.cannot_see} />
          </p>
        </div>
      ) : null}
    </div>
  );
}

/** Two lists of entries as one without doubles, the newest first. */
function joined(
  one: readonly ITrailLine[],
  other: readonly ITrailLine[]
): ITrailLine[] {
  const bySeq = new Map([...one, ...other].map(line => [line.seq, line]));
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}

function saidBy(error: unknown): string {
  return error instanceof Refusal ? error.message : String(error);
}

/** `14:02` of an RFC 3339 time, in the reader's own zone; the text itself where it is no time. */
function clock(text: string): string {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime())
    ? text
    : moment.toLocaleTimeString([], {
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23'
      });
}
