import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import React from 'react';
import { IGovernance, IGovernancePanel } from '../state/tokens';
import { Export } from './export';
import { Review } from './review';
import { Why } from './why';

/** The Why and Review sections, and the export that the panel's header opens. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:promotion',
  description:
    'What stands between this model and the next stage, the word of a reviewer, and the way out as a job.',
  autoStart: true,
  requires: [IGovernance, IGovernancePanel],
  activate: (
    _: JupyterFrontEnd,
    governance: IGovernance,
    panel: IGovernancePanel
  ) => {
    panel.add({
      id: 'why',
      label: governance.trans.__('Why'),
      rank: 30,
      count: state => state.view?.why.length ?? 0,
      render: props => <Why {...props} />
    });
    panel.add({
      id: 'review',
      label: governance.trans.__('Review'),
      rank: 40,
      render: props => <Review {...props} />
    });
    panel.add({
      id: 'export',
      label: governance.trans.__('Export'),
      rank: 90,
      aside: true,
      render: props => <Export {...props} />
    });
  }
};

export default plugin;
