/* The panel as React, from state alone: no JupyterLab import here, so that a test needs none. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import type { ITrouble } from '../api/request';
import { gateOf, IState, may } from '../state/model';
import type { ISection, ISectionActions, ISectionProps } from '../state/tokens';
import { whyNotRun } from '../state/words';
import { Said } from './said';

export interface IPanelProps {
  state: IState;
  sections: readonly ISection[];
  open: string;
  trans: TranslationBundle;
  actions: ISectionActions;
  commands: { validate: string; record: string; refresh: string; stop: string };
}

/** Header, tabs, the open section, and the gate at the foot. */
export function Panel(props: IPanelProps): React.ReactElement {
  const { state, trans } = props;
  if (state.path === null) {
    return (
      <p className="jp-mlgov-empty">
        {trans.__('Open a notebook to see where it stands.')}
      </p>
    );
  }
  return (
    <>
      <Header {...props} />
      <Notices {...props} />
      {state.trouble ? <Trouble {...props} trouble={state.trouble} /> : null}
      {!state.trouble && state.loading && !state.view ? (
        <p className="jp-mlgov-empty" role="status">
          {trans.__('Reading the record of this notebook…')}
        </p>
      ) : null}
      {!state.trouble && state.view ? <Tabs {...props} /> : null}
      {state.view?.gate ? <Foot {...props} /> : null}
    </>
  );
}

function Header(props: IPanelProps): React.ReactElement {
  const { state, trans, actions, commands } = props;
  const why = whyNotRun(state, trans);
  const name = (state.path ?? '').split('/').pop();
  return (
    <header className="jp-mlgov-head">
      <h2>{trans.__('Governance')}</h2>
      <span className="jp-mlgov-name" title={state.path ?? ''}>
        {name}
      </span>
      {state.view?.steps.length ? (
        <button
          className="jp-mlgov-plain"
          data-testid="mlgov-export-open"
          title={trans.__('Write this notebook out as a job')}
          onClick={() => actions.open('export')}
        >
          {trans.__('Export…')}
        </button>
      ) : null}
      {state.work ? (
        <button
          className="jp-mlgov-plain"
          data-testid="mlgov-stop"
          title={trans.__('Interrupt the kernel; what is done is kept')}
          onClick={() => actions.run(commands.stop)}
        >
          {trans.__('Stop')}
        </button>
      ) : null}
      <button
        className="jp-mlgov-plain"
        data-testid="mlgov-validate"
        disabled={why !== ''}
        title={why || trans.__('Run all checks in the kernel of this notebook')}
        onClick={() => actions.run(commands.validate)}
      >
        {trans.__('Validate')}
      </button>
    </header>
  );
}

/** What the kernel does or said, and what cannot be done here. */
function Notices({ state, trans }: IPanelProps): React.ReactElement | null {
  const notes = [
    state.live
      ? ''
      : trans.__(
          'No news from the server: what is shown may be old. Trying again…'
        ),
    may(state, 'review') || may(state, 'run')
      ? ''
      : trans.__('You may look here, not run or review.'),
    state.readOnly
      ? trans.__('This notebook is read-only: you can look, not tag.')
      : '',
    state.kernel === 'none' && !state.work
      ? trans.__('No kernel: the record can be read, but nothing can run.')
      : ''
  ].filter(Boolean);
  return (
    <>
      {state.work ? (
        <p className="jp-mlgov-note" role="status" data-testid="mlgov-work">
          {state.work}
        </p>
      ) : null}
      {state.complaint ? (
        <div
          className="jp-mlgov-note jp-mlgov-mod-fail"
          role="alert"
          data-testid="mlgov-complaint"
        >
          <Said text={state.complaint} />
        </div>
      ) : null}
      {notes.map(note => (
        <p key={note} className="jp-mlgov-note jp-mlgov-mod-mute">
          {note}
        </p>
      ))}
    </>
  );
}

function Trouble(
  props: IPanelProps & { trouble: ITrouble }
): React.ReactElement {
  const { trouble, trans, actions, commands } = props;
  return (
    <div className="jp-mlgov-section" role="alert" data-testid="mlgov-trouble">
      <p>
        <strong>{trans.__('The record cannot be shown.')}</strong>{' '}
        <Said text={trouble.message} />
      </p>
      {trouble.expected ? (
        <p>
          <Said text={trouble.expected} />
        </p>
      ) : null}
      {trouble.next ? (
        <p>
          <Said text={trouble.next} />
        </p>
      ) : null}
      <p className="jp-mlgov-soft">
        {trans.__('Tagging cells and running them still works.')}
      </p>
      <button
        className="jp-mlgov-button"
        onClick={() => actions.run(commands.refresh)}
      >
        {trans.__('Try again')}
      </button>
    </div>
  );
}

function Tabs(props: IPanelProps): React.ReactElement {
  const { open, actions, state, trans } = props;
  const sections = props.sections.filter(item => !item.aside);
  const aside = props.sections.find(item => item.aside && item.id === open);
  const shown = sections.find(item => item.id === open) ?? sections[0];
  const step = (event: React.KeyboardEvent) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
    if (way) {
      const at = sections.indexOf(shown) + way + sections.length;
      const next = sections[at % sections.length];
      actions.open(next.id);
      document.getElementById(`jp-mlgov-tab-${next.id}`)?.focus();
    }
  };
  const part: ISectionProps = { state, trans, actions };
  return (
    <>
      <div
        role="tablist"
        aria-label={trans.__('Governance')}
        className="jp-mlgov-tabs"
        onKeyDown={step}
      >
        {sections.map(item => (
          <Tab
            key={item.id}
            item={item}
            shown={!aside && item === shown}
            first={item === shown}
            {...part}
          />
        ))}
      </div>
      {aside ? (
        <div
          role="region"
          aria-label={aside.label}
          className="jp-mlgov-body"
          data-testid={`mlgov-section-${aside.id}`}
        >
          {aside.render(part)}
        </div>
      ) : shown ? (
        <div
          role="tabpanel"
          aria-labelledby={`jp-mlgov-tab-${shown.id}`}
          className="jp-mlgov-body"
          data-testid={`mlgov-section-${shown.id}`}
        >
          <Body {...part} section={shown} />
        </div>
      ) : null}
    </>
  );
}

/** A section; where the record cannot be read, that and what to do, because "nothing yet" would be untrue. */
function Body(
  props: ISectionProps & { section: ISection }
): React.ReactElement {
  const { section, state, trans } = props;
  const bad = gateOf(state) === 'unreadable' && section.unread !== 'whole';
  // One shape for both, so that what a section holds (a verified trail) outlives the turn.
  return (
    <>
      {bad ? (
        <div
          className="jp-mlgov-section"
          role="alert"
          data-testid="mlgov-unreadable"
        >
          <p className="jp-mlgov-mod-fail">
            <strong>{trans.__('The record cannot be read.')}</strong>{' '}
            <Said text={state.view?.problem ?? ''} />
          </p>
          <p>
            <Said text={state.view?.next ?? ''} />
          </p>
        </div>
      ) : null}
      {bad && section.unread !== 'below' ? null : section.render(props)}
    </>
  );
}

function Tab(
  props: ISectionProps & { item: ISection; shown: boolean; first: boolean }
): React.ReactElement {
  const { item, shown, first, state, actions } = props;
  const count = item.count?.(state) ?? 0;
  return (
    <button
      role="tab"
      id={`jp-mlgov-tab-${item.id}`}
      aria-selected={shown}
      tabIndex={first ? 0 : -1}
      onClick={() => actions.open(item.id)}
    >
      {item.label}
      {count ? <span className="jp-mlgov-count"> {count}</span> : null}
    </button>
  );
}

function Foot({ state, trans }: IPanelProps): React.ReactElement {
  const gate = gateOf(state);
  const words = {
    none: '',
    unreadable: trans.__('cannot be read'),
    shut: trans.__('gate shut'),
    clear: trans.__('nothing stands in the way'),
    in: trans.__('let in')
  };
  const good = gate === 'clear' || gate === 'in';
  return (
    <footer className="jp-mlgov-foot" data-testid="mlgov-gate">
      <span>{state.view?.gate}</span>
      <b className={`jp-mlgov-mod-${good ? 'pass' : 'fail'}`}>{words[gate]}</b>
    </footer>
  );
}
