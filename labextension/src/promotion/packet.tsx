/* A sealed packet, opened: what is reviewed by digest, whether it is as it was sealed, the verdicts in it, and what changed since. */
import React from 'react';
import type { IImpact, IPacketView } from '../api/types';
import { Said } from '../panel/said';
import type { ISectionProps } from '../state/tokens';
import { verdictMark } from '../state/words';
import { saidBy } from './acts';

export function Packet(
  props: ISectionProps & { number: number }
): React.ReactElement {
  const { number, trans, actions, state } = props;
  const [packet, setPacket] = React.useState<IPacketView | null>(null);
  const [trouble, setTrouble] = React.useState('');
  React.useEffect(() => {
    let current = true;
    actions
      .ask<IPacketView>('packet', { review: String(number) })
      .then(found => current && setPacket(found))
      .catch((error: unknown) => current && setTrouble(saidBy(error)));
    return () => {
      current = false;
    };
  }, [number, state.view]);
  if (trouble) {
    return (
      <p className="jp-mlgov-note jp-mlgov-mod-fail" role="alert">
        <Said text={trouble} />
      </p>
    );
  }
  if (!packet) {
    return (
      <p className="jp-mlgov-soft" role="status">
        {trans.__('Opening the packet and checking each digest in it…')}
      </p>
    );
  }
  return (
    <div className="jp-mlgov-packet" data-testid="mlgov-packet">
      <Seal {...props} packet={packet} />
      <Verdicts {...props} packet={packet} />
      <Since {...props} packet={packet} />
    </div>
  );
}

type Opened = ISectionProps & { packet: IPacketView };

/** Whether everything is as it was sealed, and by which digests. */
function Seal({ packet, trans }: Opened): React.ReactElement {
  const facts: [string, string][] = [
    [trans.__('packet'), packet.digest],
    [trans.__('report'), packet.report]
  ];
  return (
    <>
      {packet.problems.length ? (
        <ul className="jp-mlgov-list jp-mlgov-mod-fail" role="alert">
          {packet.problems.map(problem => (
            <li key={problem}>✕ {problem}</li>
          ))}
        </ul>
      ) : (
        <p className="jp-mlgov-mod-pass">
          ✓{' '}
          {trans.__(
            'As it was sealed: %1 pieces of evidence, %2 kept objects, %3 cells.',
            packet.evidence,
            packet.objects,
            packet.cells.length
          )}
        </p>
      )}
      <dl className="jp-mlgov-facts">
        {facts.map(([name, digest]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <code title={digest}>{digest.slice(0, 19)}…</code>
            </dd>
          </React.Fragment>
        ))}
        <dt>{trans.__('under')}</dt>
        <dd>{packet.policies.join(' · ')}</dd>
      </dl>
    </>
  );
}

/** The verdicts that were sealed: what did not pass by name, the rest by number. */
function Verdicts({ packet, trans, actions }: Opened): React.ReactElement {
  const fine = packet.checks.filter(check => check.verdict === 'pass').length;
  const open = packet.checks.filter(check => check.verdict !== 'pass');
  return (
    <ul className="jp-mlgov-list jp-mlgov-sealed">
      {open.map(check => {
        const { mark, word, role } = verdictMark(check.verdict, trans);
        return (
          <li key={check.validator}>
            <span className={`jp-mlgov-mark jp-mlgov-mod-${role}`}>{mark}</span>{' '}
            <code>{check.validator}</code>{' '}
            <span className={`jp-mlgov-mod-${role}`}>{word}</span>
            {' — '}
            <Said text={check.summary} />
          </li>
        );
      })}
      <li>
        <span className="jp-mlgov-mark jp-mlgov-mod-pass">✓</span>{' '}
        {trans.__('%1 passed', fine)}
        {packet.unchecked ? (
          <span className="jp-mlgov-mod-mute">
            {' · ○ '}
            {trans.__('%1 not checked here', packet.unchecked)}
          </span>
        ) : null}{' '}
        <button
          type="button"
          className="jp-mlgov-link"
          onClick={() => actions.open('checks')}
        >
          {trans.__('Open the checks')}
        </button>
      </li>
    </ul>
  );
}

/** What changed since, and on demand which answers fall with it. */
function Since({ packet, trans, actions }: Opened): React.ReactElement {
  const [impact, setImpact] = React.useState<IImpact | null>(null);
  const [trouble, setTrouble] = React.useState('');
  if (!packet.changed.length) {
    return <p>{trans.__('Nothing changed since it was sealed.')}</p>;
  }
  const look = () =>
    actions
      .ask<IImpact>('impact')
      .then(setImpact)
      .catch((error: unknown) => setTrouble(saidBy(error)));
  return (
    <div className="jp-mlgov-note jp-mlgov-mod-warn">
      <b>{trans.__('Changed since:')}</b>
      <ul className="jp-mlgov-list">
        {packet.changed.map(one => (
          <li key={one}>
            ↻ <Said text={one} />
          </li>
        ))}
      </ul>
      {impact ? (
        <Impact impact={impact} trans={trans} />
      ) : (
        <button type="button" className="jp-mlgov-button" onClick={look}>
          {trans.__('Which answers fall?')}
        </button>
      )}
      {trouble ? <p role="alert">{trouble}</p> : null}
    </div>
  );
}

function Impact({
  impact,
  trans
}: {
  impact: IImpact;
  trans: ISectionProps['trans'];
}): React.ReactElement {
  return (
    <ul className="jp-mlgov-list" data-testid="mlgov-impact">
      {impact.falls.map(one => (
        <li key={one.validator}>
          ✕ <code>{one.validator}</code> {one.parts.join('; ')}
        </li>
      ))}
      <li>
        {trans.__(
          '%1 answers fall, %2 still hold.',
          impact.falls.length,
          impact.holds.length
        )}
      </li>
      {impact.unknown ? <li>? {impact.unknown}</li> : null}
    </ul>
  );
}
