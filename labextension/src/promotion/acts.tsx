/* What the forms of this room share: one deed at a time with its trouble in words, a confirmation, drafts that outlive a tab. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { Refusal } from '../api/request';
import type { IActor } from '../api/types';
import { Said } from '../panel/said';

/** What went wrong, in the server's own sentences. */
export function saidBy(error: unknown): string {
  if (!(error instanceof Refusal)) {
    return String(error);
  }
  const { message, expected, next } = error.trouble;
  return [message, expected, next].filter(Boolean).join(' ');
}

export interface IDeed {
  /** What is being done, in words; '' when nothing is. */
  busy: string;
  trouble: string;
  /** Do it; `words` are shown meanwhile. Resolves to whether it went well. */
  run(words: string, deed: () => Promise<unknown>): Promise<boolean>;
}

/** One deed at a time. */
export function useDeed(): IDeed {
  const [busy, setBusy] = React.useState('');
  const [trouble, setTrouble] = React.useState('');
  const run = async (words: string, deed: () => Promise<unknown>) => {
    setBusy(words);
    setTrouble('');
    try {
      await deed();
      return true;
    } catch (error) {
      setTrouble(saidBy(error));
      return false;
    } finally {
      setBusy('');
    }
  };
  return { busy, trouble, run };
}

/** What a deed is doing, or why it failed. */
export function Outcome({ deed }: { deed: IDeed }): React.ReactElement | null {
  const said = React.useRef<HTMLParagraphElement>(null);
  // A refusal below the edge of the panel would look like nothing.
  React.useEffect(() => {
    said.current?.scrollIntoView?.({ block: 'nearest' });
  }, [deed.trouble]);
  if (deed.trouble) {
    return (
      <p className="jp-mlgov-note jp-mlgov-mod-fail" role="alert" ref={said}>
        <Said text={deed.trouble} />
      </p>
    );
  }
  return deed.busy ? (
    <p className="jp-mlgov-soft" role="status">
      {deed.busy}
    </p>
  ) : null;
}

const drafts = new Map<string, string>();

/** A text that somebody is writing: it is still there when they come back from another section. '' lets it go. */
export function useDraft(
  key: string,
  missing = ''
): [string, (text: string) => void] {
  const [text, setText] = React.useState(drafts.get(key) ?? missing);
  const write = (next: string) => {
    if (next === missing) {
      drafts.delete(key);
    } else {
      drafts.set(key, next);
    }
    setText(next);
  };
  return [text, write];
}

/** A deed that cannot be taken back is said in full and done at the second click. */
export function Sure(props: {
  trans: TranslationBundle;
  says: string;
  yes: string;
  onYes(): void;
  onNo(): void;
}): React.ReactElement {
  const first = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => first.current?.focus(), []);
  return (
    <div
      className="jp-mlgov-sure"
      role="group"
      aria-label={props.says}
      data-testid="mlgov-sure"
      onKeyDown={event => event.key === 'Escape' && props.onNo()}
    >
      <p>
        <Said text={props.says} />
      </p>
      <div className="jp-mlgov-buttons">
        <button
          type="button"
          className="jp-mlgov-button"
          ref={first}
          onClick={props.onYes}
        >
          {props.yes}
        </button>
        <button type="button" className="jp-mlgov-button" onClick={props.onNo}>
          {props.trans.__('Not now')}
        </button>
      </div>
    </div>
  );
}

/** `traffic<=5%`, `exposure<=1000`: limits as the server reads them, of those that were said. */
export function limitsSaid(traffic: string, exposure: string): string[] {
  return [
    traffic.trim() && `traffic<=${traffic.trim().replace(/%?$/, '%')}`,
    exposure.trim() && `exposure<=${exposure.trim()}`
  ].filter(Boolean);
}

/** How a person is called; a name that is only somebody's word says so. */
export function called(actor: IActor, trans: TranslationBundle): string {
  const name = actor.name || actor.id;
  return actor.source === 'declared' ? trans.__('%1 (declared)', name) : name;
}

/** `2026-11-24 14:02 UTC`. */
export function utc(time: string, trans: TranslationBundle): string {
  return trans.__('%1 UTC', time.slice(0, 16).replace('T', ' '));
}

/** `3 h 20 min` between now and a time; the sign is for the caller to say. */
export function span(time: string, now = Date.now()): string {
  const minutes = Math.round(Math.abs(Date.parse(time) - now) / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) {
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** A heading that folds what belongs to it; what is not looked at takes one line. */
export function Fold(props: {
  title: string;
  note?: string;
  id: string;
  open?: boolean;
  children: React.ReactNode;
}): React.ReactElement {
  return (
    <details
      className="jp-mlgov-section jp-mlgov-block"
      data-testid={props.id}
      open={props.open}
    >
      <summary>
        <b>{props.title}</b>
        {props.note ? (
          <span className="jp-mlgov-soft"> {props.note}</span>
        ) : null}
      </summary>
      {props.children}
    </details>
  );
}

/** A labelled line or area of text. */
export function Field(props: {
  label: string;
  value: string;
  write(text: string): void;
  kind?: 'text' | 'date';
  rows?: number;
  hint?: string;
  min?: string;
}): React.ReactElement {
  const { label, value, write, kind = 'text', rows, hint, min } = props;
  return (
    <label className="jp-mlgov-field">
      <span>
        {label}
        {hint ? <span className="jp-mlgov-soft"> {hint}</span> : null}
      </span>
      {rows ? (
        <textarea
          rows={rows}
          value={value}
          onChange={event => write(event.target.value)}
        />
      ) : (
        <input
          type={kind}
          min={min}
          value={value}
          onChange={event => write(event.target.value)}
        />
      )}
    </label>
  );
}
