import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Widget } from '@lumino/widgets';
import { CommandIDs, IGovernance } from '../state/tokens';
import { statusText } from '../state/words';

/** One line at the foot of the window; a click opens the panel. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:status',
  description: 'Steps and gate in the status bar.',
  autoStart: true,
  requires: [IGovernance],
  // Notebook 7 has no status bar.
  optional: [IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    governance: IGovernance,
    statusBar: IStatusBar | null
  ) => {
    if (!statusBar) {
      return;
    }
    const { model, trans } = governance;
    const button = document.createElement('button');
    button.className = 'jp-mlgov-status';
    button.title = trans.__('Show Governance');
    button.onclick = () => void app.commands.execute(CommandIDs.open);
    const item = new Widget({ node: button });
    const draw = () => {
      button.textContent = statusText(model.state, trans);
      item.setHidden(model.state.path === null);
    };
    model.changed.connect(draw);
    draw();
    statusBar.registerStatusItem(plugin.id, {
      item,
      align: 'left',
      rank: 90
    });
  }
};

export default plugin;
