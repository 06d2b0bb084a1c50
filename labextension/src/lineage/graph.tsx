/* The graph of what ran on what, drawn by the server as one SVG; a click on a cell in it, here or in an output, goes to that cell. */
import { ServerConnection } from '@jupyterlab/services';
import React from 'react';
import { ask, Refusal } from '../api/request';
import { IGovernance, ISectionProps } from '../state/tokens';

/** A fold that asks for the picture when it is opened, and again when the record has changed. */
export function Graph({ state, trans }: ISectionProps): React.ReactElement {
  const [open, setOpen] = React.useState(false);
  const [drawn, setDrawn] = React.useState({ svg: '', trouble: '' });
  const { path, view } = state;
  React.useEffect(() => {
    if (!open || !path) {
      return;
    }
    let current = true;
    ask<{ svg: string }>('graph', { path }, ServerConnection.makeSettings())
      .then(found => current && setDrawn({ svg: found.svg, trouble: '' }))
      .catch((error: unknown) => {
        const said = error instanceof Refusal ? error.message : String(error);
        return current && setDrawn({ svg: '', trouble: said });
      });
    return () => {
      current = false;
    };
  }, [open, path, view]);
  const place = React.useCallback(
    (node: HTMLDivElement | null) => {
      const picture = drawn.svg ? pictureOf(drawn.svg) : null;
      node?.replaceChildren(...(picture ? [picture] : []));
    },
    [drawn.svg]
  );
  return (
    <details
      className="jp-mlgov-section"
      data-testid="mlgov-graph"
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('Graph')}</summary>
      {drawn.trouble ? <p>{drawn.trouble}</p> : null}
      <div style={{ overflow: 'auto', maxHeight: '60vh' }} ref={place} />
    </details>
  );
}

const KNOWN = new Set('svg title style rect text g path a'.split(' '));

/** The server's SVG as a node: parsed as XML, and only if it has nothing but shapes, texts and links to cells. */
export function pictureOf(source: string): Node | null {
  const { documentElement: root } = new DOMParser().parseFromString(
    source,
    'image/svg+xml'
  );
  const plain = [root, ...Array.from(root.querySelectorAll('*'))].every(
    one =>
      KNOWN.has(one.tagName) &&
      Array.from(one.attributes).every(
        ({ name, value }) =>
          !name.startsWith('on') &&
          (name !== 'href' || value.startsWith('#cell-id='))
      )
  );
  return plain ? document.importNode(root, true) : null;
}

/** Whichever picture of ours was clicked: go to the cell it names. */
export function followClicks(governance: IGovernance): void {
  document.addEventListener('click', event => {
    const target = event.target instanceof Element ? event.target : null;
    const cell = target?.closest('svg.mgl [data-cell]');
    const id = cell?.getAttribute('data-cell');
    if (id) {
      event.preventDefault();
      void governance.goTo(id);
    }
  });
}
