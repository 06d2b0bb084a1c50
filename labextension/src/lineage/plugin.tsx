import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { NotebookActions } from '@jupyterlab/notebook';
import React from 'react';
import { CommandIDs, IGovernance, IGovernancePanel } from '../state/tokens';
import { drawBadges } from './badges';
import { followClicks, Graph } from './graph';
import { staleCells, Steps } from './steps';

/** The Steps section, the badges in the margin, and running what is stale. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:lineage',
  description: 'Steps of the notebook with their state.',
  autoStart: true,
  requires: [IGovernance, IGovernancePanel],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    governance: IGovernance,
    panel: IGovernancePanel,
    palette: ICommandPalette | null
  ) => {
    const { trans, model } = governance;
    panel.add({
      id: 'steps',
      label: trans.__('Steps'),
      rank: 10,
      render: props => (
        <>
          <Steps {...props} />
          <Graph {...props} />
        </>
      )
    });
    followClicks(governance);
    model.changed.connect((_, state) => {
      if (governance.notebook) {
        drawBadges(governance.notebook.content, state, trans);
      }
    });
    app.commands.addCommand(CommandIDs.runStale, {
      label: trans.__('Run Stale Steps'),
      caption: trans.__('Run the cells of all stale steps, in their order'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () =>
        model.state.kernel !== 'none' && staleCells(model.state).length > 0,
      execute: () => runStale(governance)
    });
    const category = trans.__('Governance');
    palette?.addItem({ command: CommandIDs.runStale, category });
  }
};

async function runStale(governance: IGovernance): Promise<void> {
  const panel = governance.notebook;
  const ids = new Set(staleCells(governance.model.state));
  const cells = panel?.content.widgets.filter(cell => ids.has(cell.model.id));
  if (panel && cells?.length) {
    await NotebookActions.runCells(panel.content, cells, panel.sessionContext);
  }
}

export default plugin;
