/* How the model in front answers its users now: who gets how much, the canary's last answer, an open breaker, a thrown kill switch. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { IAnswering } from '../api/types';
import { Said } from '../panel/said';
import type { ISectionProps } from '../state/tokens';
import type { IMark } from '../state/words';

/** Mark, word and colour of a state of traffic; what we do not know is shown as told. */
export function trafficMark(state: string, trans: TranslationBundle): IMark {
  switch (state) {
    case 'killed':
      return { mark: '■', word: trans.__('stopped'), role: 'fail' };
    case 'breaker open':
      return { mark: '⚡', word: trans.__('breaker open'), role: 'fail' };
    case 'canary':
      return { mark: '◐', word: trans.__('canary'), role: 'warn' };
    case 'shadow':
      return { mark: '◌', word: trans.__('shadow'), role: 'warn' };
    case 'serving':
      return { mark: '●', word: trans.__('serving'), role: 'pass' };
    case 'not served':
      return { mark: '○', word: trans.__('not served'), role: 'mute' };
    default:
      return { mark: '?', word: state, role: 'unknown' };
  }
}

/** The card; nothing where nobody ever served the model. */
export function Traffic({
  state,
  trans
}: ISectionProps): React.ReactElement | null {
  const now = state.view?.answering;
  if (!now) {
    return null;
  }
  const { mark, word, role } = trafficMark(now.state, trans);
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-traffic">
      <div className="jp-mlgov-row">
        <strong>{trans.__('Traffic in %1', now.stage)}</strong>
        <span className={`jp-mlgov-mod-${role}`} data-state={now.state}>
          {mark} {word}
        </span>
      </div>
      {now.killed || now.breaker ? (
        <p className="jp-mlgov-mod-fail">
          <Said text={now.killed || now.breaker} />
        </p>
      ) : null}
      <Arms now={now} trans={trans} />
      <dl className="jp-mlgov-facts">
        {facts(now, trans).map(([name, text]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <Said text={text} />
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </div>
  );
}

/** Each version with its share, as a bar and in figures. While nobody answers, no share is claimed. */
function Arms(props: {
  now: IAnswering;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { now, trans } = props;
  const answers = now.state !== 'killed' && now.state !== 'not served';
  const share = answers ? 100 - now.share : 0;
  const rows: [string, string, string, number][] = [
    [trans.__('champion'), now.champion, `${figure(share)} %`, share],
    [
      trans.__('challenger'),
      now.challenger,
      now.state === 'shadow'
        ? trans.__('in shadow')
        : `${figure(answers ? now.share : 0)} %`,
      answers ? now.share : 0
    ],
    [trans.__('waiting'), now.waiting, trans.__('no canary yet'), 0]
  ];
  return (
    <ul className="jp-mlgov-arms">
      {rows
        .filter(([, version]) => version)
        .map(([name, version, words, part]) => (
          <li key={name}>
            <span>
              {name} {trans.__('version %1', version)}
            </span>
            <span
              className="jp-mlgov-bar"
              aria-hidden
              style={{ '--part': `${part}%` } as React.CSSProperties}
            />
            <span>{words}</span>
          </li>
        ))}
    </ul>
  );
}

function facts(now: IAnswering, trans: TranslationBundle): [string, string][] {
  const at = now.look_at.slice(0, 16).replace('T', ' ');
  const look = now.look ? `${now.look} (${trans.__('%1 UTC', at)})` : '';
  const rows: [string, string][] = [
    [
      trans.__('replicas'),
      now.endpoints.length
        ? `${now.endpoints.length}: ${now.endpoints.join(', ')}`
        : trans.__('none says that it serves this model')
    ],
    [trans.__('last look'), look],
    [trans.__('trouble'), now.trouble]
  ];
  return rows.filter(([, text]) => text);
}

function figure(share: number): string {
  return String(Number(share.toPrecision(6)));
}
