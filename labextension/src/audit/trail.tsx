/* The Trail section: the newest entries as sentences. */
import React from 'react';
import type { ISectionProps } from '../state/tokens';

export function Trail({ state, trans }: ISectionProps): React.ReactElement {
  const lines = state.view?.trail ?? [];
  if (!lines.length) {
    return (
      <p className="jp-mlgov-section">
        {trans.__('The trail is empty: nothing was recorded yet.')}
      </p>
    );
  }
  return (
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
  );
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
