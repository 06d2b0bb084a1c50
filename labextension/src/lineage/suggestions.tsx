/* What untagged cells look like, with why; one click tags one or all that are sure. Nothing is tagged unasked. */
import React from 'react';
import type { ISuggestedStep } from '../api/types';
import { Said } from '../panel/said';
import { CommandIDs, ISectionProps } from '../state/tokens';
import { cellName } from '../state/words';

export function Suggestions(props: ISectionProps): React.ReactElement | null {
  const { state, trans, actions } = props;
  const [found, setFound] = React.useState<readonly ISuggestedStep[]>([]);
  const [passed, setPassed] = React.useState<ReadonlySet<string>>(new Set());
  const { path, view } = state;
  React.useEffect(() => {
    let current = true;
    if (path && view && !state.readOnly) {
      actions
        .ask<ISuggestedStep[]>('suggestions')
        .then(list => current && setFound(list))
        // A notebook that is no Python has no suggestions; what else is wrong the view says already.
        .catch(() => current && setFound([]));
    }
    return () => {
      current = false;
    };
  }, [path, view, state.readOnly]);
  const cells = new Map(state.cells.map(cell => [cell.id, cell]));
  const open = state.readOnly
    ? []
    : found.filter(
        one => cells.get(one.cell)?.label === '' && !passed.has(one.cell)
      );
  const sure = open.filter(one => !one.others.length);
  if (!open.length) {
    return null;
  }
  const tag = (those: readonly ISuggestedStep[]) => {
    for (const one of those) {
      actions.run(CommandIDs.tagCell, { kind: one.kind, cell: one.cell });
    }
  };
  return (
    <div className="jp-mlgov-section" data-testid="mlgov-suggestions">
      {sure.length > 1 ? (
        <div className="jp-mlgov-row">
          <b>
            {trans._n(
              '%1 cell looks like a step',
              '%1 cells look like steps',
              open.length
            )}
          </b>
          <button className="jp-mlgov-button" onClick={() => tag(sure)}>
            {trans.__('Tag all %1', sure.length)}
          </button>
        </div>
      ) : null}
      {open.map(one => (
        <Suggestion
          key={one.cell}
          {...props}
          one={one}
          name={cellName(cells.get(one.cell) ?? EMPTY)}
          tag={kind => tag([{ ...one, kind }])}
          pass={() => setPassed(new Set([...passed, one.cell]))}
        />
      ))}
    </div>
  );
}

const EMPTY = { id: '', label: '', prompt: null };

function Suggestion(
  props: ISectionProps & {
    one: ISuggestedStep;
    name: string;
    tag: (kind: string) => void;
    pass: () => void;
  }
): React.ReactElement {
  const { one, name, tag, pass, trans, actions } = props;
  const kinds = [one.kind, ...one.others];
  return (
    <div className="jp-mlgov-suggestion" data-testid="mlgov-suggestion">
      <p>
        <button
          className="jp-mlgov-link"
          onClick={() => actions.goTo(one.cell)}
        >
          {name ? trans.__('Cell %1', name) : trans.__('This cell')}
        </button>{' '}
        {trans.__('looks like')} <b>{kinds.join(trans.__(' or '))}</b>
        {' — '}
        <Said text={one.why} />
      </p>
      <div className="jp-mlgov-buttons">
        {kinds.map(kind => (
          <button
            key={kind}
            className="jp-mlgov-button"
            onClick={() => tag(kind)}
          >
            {kinds.length > 1
              ? trans.__('Tag as %1', kind)
              : trans.__('Tag it')}
          </button>
        ))}
        <button className="jp-mlgov-button" onClick={pass}>
          {trans.__('Not a step')}
        </button>
      </div>
    </div>
  );
}
