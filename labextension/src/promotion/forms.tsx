/* What only people can say: the questions of each document and control, with who answered them about this very model. */
import React from 'react';
import type { IAsked, IForm, IFormView, IReviewDesk } from '../api/types';
import { may } from '../state/model';
import type { ISectionProps } from '../state/tokens';
import { Field, Fold, Outcome, saidBy, useDeed, useDraft, utc } from './acts';

type FormsProps = ISectionProps & { desk: IReviewDesk; given(): void };

export function Forms(props: FormsProps): React.ReactElement {
  const { desk, trans } = props;
  const [only, setOnly] = React.useState('');
  const answered = desk.forms.filter(one => one.answered_by).length;
  const shown = desk.forms.filter(one =>
    `${one.control} ${one.title}`.toLowerCase().includes(only.toLowerCase())
  );
  return (
    <Fold
      id="mlgov-forms"
      title={trans.__('Questions for people')}
      note={trans.__('%1 of %2 answered', answered, desk.forms.length)}
    >
      <input
        type="search"
        className="jp-mlgov-search"
        aria-label={trans.__('Find a question')}
        placeholder={trans.__('Find a question')}
        value={only}
        onChange={event => setOnly(event.target.value)}
      />
      <ul className="jp-mlgov-list">
        {shown.map(one => (
          <Line key={one.control} {...props} one={one} />
        ))}
      </ul>
    </Fold>
  );
}

function Line(props: FormsProps & { one: IFormView }): React.ReactElement {
  const { one, trans } = props;
  const [open, setOpen] = React.useState(false);
  return (
    <li data-testid="mlgov-form" data-control={one.control}>
      <details
        className="jp-mlgov-more"
        onToggle={event => setOpen(event.currentTarget.open)}
      >
        <summary>
          <span
            className={`jp-mlgov-mod-${one.answered_by ? 'pass' : 'mute'}`}
            aria-hidden
          >
            {one.answered_by ? '✓' : '○'}
          </span>{' '}
          <code>{one.control}</code> {one.title}
          <span className="jp-mlgov-soft">
            {' '}
            {one.answered_by && one.answered_at
              ? trans.__(
                  'answered by %1, %2',
                  one.answered_by,
                  utc(one.answered_at, trans)
                )
              : one.automation === 'human'
                ? trans.__('open; by somebody who did not work on it')
                : trans.__('open')}
          </span>
        </summary>
        {open ? <Questions {...props} /> : null}
      </details>
    </li>
  );
}

/** The form of one control, filled with what was answered before. */
function Questions(props: FormsProps & { one: IFormView }): React.ReactElement {
  const { one, trans, actions } = props;
  const [asked, setAsked] = React.useState<IAsked | null>(null);
  const [trouble, setTrouble] = React.useState('');
  React.useEffect(() => {
    let current = true;
    actions
      .ask<IAsked>('answers', { control: one.control })
      .then(found => current && setAsked(found))
      .catch((error: unknown) => current && setTrouble(saidBy(error)));
    return () => {
      current = false;
    };
  }, [one.control, one.answered_at]);
  if (trouble) {
    return <p role="alert">{trouble}</p>;
  }
  return asked ? (
    <Answers key={one.answered_at} {...props} asked={asked} />
  ) : (
    <p role="status" className="jp-mlgov-soft">
      {trans.__('Reading the questions…')}
    </p>
  );
}

function Answers(
  props: FormsProps & { one: IFormView; asked: IAsked }
): React.ReactElement {
  const { asked, trans, actions, state, given } = props;
  const before = asked.answered?.answers ?? {};
  const [kept, keep] = useDraft(`form ${asked.control}`);
  const texts: Record<string, string> = kept
    ? (JSON.parse(kept) as Record<string, string>)
    : before;
  const deed = useDeed();
  const allowed = may(state, 'run') || may(state, 'review');
  const control = asked.control;
  const write = (id: string, text: string) =>
    keep(JSON.stringify({ ...texts, [id]: text }));
  const send = async () => {
    // A document takes what there is; a control wants every question answered, and the server says which is not.
    const answers = Object.fromEntries(
      Object.entries(texts).filter(([, text]) => text.trim())
    );
    const done = await deed.run(trans.__('Writing it down…'), () =>
      actions.send<IForm>('answers', { answers }, { control })
    );
    if (done) {
      keep('');
      given();
    }
  };
  return (
    <form
      className="jp-mlgov-form"
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      <p className="jp-mlgov-soft">
        {[asked.cite, asked.verified].filter(Boolean).join(' · ')}
      </p>
      {asked.questions.map(question =>
        question.id === 'holds' ? (
          <label key={question.id} className="jp-mlgov-field">
            <span>{question.text}</span>
            <select
              value={texts.holds ?? ''}
              onChange={event => write('holds', event.target.value)}
            >
              <option value="">{trans.__('not said yet')}</option>
              <option value="yes">{trans.__('yes')}</option>
              <option value="no">{trans.__('no')}</option>
            </select>
          </label>
        ) : (
          <Field
            key={question.id}
            label={question.text}
            value={texts[question.id] ?? ''}
            write={text => write(question.id, text)}
            rows={2}
          />
        )
      )}
      <button
        className="jp-mlgov-button"
        disabled={!allowed || deed.busy !== ''}
        title={allowed ? '' : trans.__('You may look here, not answer.')}
      >
        {trans.__('Sign these answers')}
      </button>
      <Outcome deed={deed} />
    </form>
  );
}
