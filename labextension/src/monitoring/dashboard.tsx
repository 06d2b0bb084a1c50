/* The dashboard's two views: the models as they are now, and the portfolio at any moment. */
import React from 'react';
import type { IModelPage } from '../api/types';
import { Models } from './models';
import { IPortfolioProps, Portfolio } from './portfolio';

const VIEWS = ['models', 'portfolio'] as const;
type View = (typeof VIEWS)[number];

export function Dashboard(props: IPortfolioProps): React.ReactElement {
  const { trans, ask } = props;
  const [shown, setShown] = React.useState<View>('models');
  const tabs = React.useRef<Partial<Record<View, HTMLButtonElement | null>>>(
    {}
  );
  const names: Record<View, string> = {
    models: trans.__('Models now'),
    portfolio: trans.__('Portfolio on any day')
  };
  const step = (event: React.KeyboardEvent) => {
    if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      const next = VIEWS[1 - VIEWS.indexOf(shown)];
      setShown(next);
      tabs.current[next]?.focus();
    }
  };
  return (
    <>
      <div
        role="tablist"
        aria-label={trans.__('Governance')}
        className="jp-mlgov-tabs"
        onKeyDown={step}
      >
        {VIEWS.map(view => (
          <button
            key={view}
            role="tab"
            id={`jp-mlgov-dashboard-${view}`}
            ref={node => {
              tabs.current[view] = node;
            }}
            aria-selected={view === shown}
            tabIndex={view === shown ? 0 : -1}
            onClick={() => setShown(view)}
          >
            {names[view]}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        aria-labelledby={`jp-mlgov-dashboard-${shown}`}
        className="jp-mlgov-view"
      >
        {shown === 'models' ? (
          <Models {...props} ask={query => ask<IModelPage>('models', query)} />
        ) : (
          <Portfolio {...props} />
        )}
      </div>
    </>
  );
}
