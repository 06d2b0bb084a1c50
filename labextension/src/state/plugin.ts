import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Follower } from './follow';
import { IPreferences } from './preferences';
import { CommandIDs, IGovernance } from './tokens';

/** Knows where the notebook in front stands. */
const plugin: JupyterFrontEndPlugin<IGovernance> = {
  id: 'jupyter-mlgov:state',
  description: 'Follows the notebook in front and what the server knows of it.',
  autoStart: true,
  requires: [INotebookTracker, IPreferences],
  optional: [ITranslator],
  provides: IGovernance,
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    preferences: IPreferences,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlgov');
    const { contents, serverSettings } = app.serviceManager;
    const follower = new Follower(tracker, contents, serverSettings, trans);
    const poll = () => follower.askEvery(preferences.chosen.poll);
    preferences.changed.connect(poll);
    poll();
    app.commands.addCommand(CommandIDs.refresh, {
      label: trans.__('Refresh Governance'),
      caption: trans.__('Read again where the notebook stands'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => follower.notebook !== null,
      execute: () => follower.refresh()
    });
    return follower;
  }
};

export default plugin;
