import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import React from 'react';
import { IGovernance, IGovernancePanel } from '../state/tokens';
import { Why } from './why';

/** The Why section. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:promotion',
  description: 'What stands between this model and the next stage.',
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
  }
};

export default plugin;
