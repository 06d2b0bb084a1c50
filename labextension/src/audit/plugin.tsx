import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import React from 'react';
import { IGovernance, IGovernancePanel } from '../state/tokens';
import { Trail } from './trail';

/** The Trail section. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:audit',
  description: 'The newest entries of the trail.',
  autoStart: true,
  requires: [IGovernance, IGovernancePanel],
  activate: (
    _: JupyterFrontEnd,
    governance: IGovernance,
    panel: IGovernancePanel
  ) => {
    panel.add({
      id: 'trail',
      label: governance.trans.__('Trail'),
      rank: 50,
      unread: 'below',
      render: props => <Trail {...props} />
    });
  }
};

export default plugin;
