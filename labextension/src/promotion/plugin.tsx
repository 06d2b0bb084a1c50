import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import React from 'react';
import { IGovernance, IGovernancePanel } from '../state/tokens';
import { Review } from './review';
import { Why } from './why';

/** The Why and Review sections. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:promotion',
  description:
    'What stands between this model and the next stage, and the word of a reviewer.',
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
  }
};

export default plugin;
