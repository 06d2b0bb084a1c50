import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import React from 'react';
import { shieldIcon } from '../panel/icon';
import { CommandIDs, IGovernance } from '../state/tokens';
import { Dashboard } from './dashboard';

/** The models and the portfolio; it reads again when news come in, and looks into the workspace of the notebook that was in front. */
class ModelsWidget extends ReactWidget {
  constructor(
    private _governance: IGovernance,
    private _open: (notebook: string) => void
  ) {
    super();
    this.addClass('jp-mlgov-panel');
    this.addClass('jp-mlgov-dashboard');
    _governance.moved.connect(this._again, this);
  }

  dispose(): void {
    this._governance.moved.disconnect(this._again, this);
    super.dispose();
  }

  protected render(): React.ReactElement {
    const { trans } = this._governance;
    return (
      <UseSignal signal={this._changed}>
        {() => (
          <Dashboard
            trans={trans}
            moved={this._moved}
            ask={(route, query) => this._governance.ask(route, query)}
            open={this._open}
          />
        )}
      </UseSignal>
    );
  }

  private _again(): void {
    this._moved += 1;
    this._changed.emit();
  }

  private _moved = 0;
  private _changed = new Signal<this, void>(this);
}

/** The dashboard in the main area, from the launcher, the View menu and the palette. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:monitoring',
  description: 'The models of the workspace as a table.',
  autoStart: true,
  requires: [IGovernance],
  optional: [ICommandPalette, ILayoutRestorer, ILauncher],
  activate: (
    app: JupyterFrontEnd,
    governance: IGovernance,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    launcher: ILauncher | null
  ) => {
    const { trans } = governance;
    const tracker = new WidgetTracker<MainAreaWidget<ModelsWidget>>({
      namespace: 'mlgov-models'
    });
    const openNotebook = (notebook: string) => {
      const path = PathExt.join(governance.folder, notebook);
      void app.commands.execute('docmanager:open', { path });
    };
    app.commands.addCommand(CommandIDs.models, {
      label: args => (args.card ? trans.__('Models') : trans.__('Show Models')),
      caption: trans.__(
        'All models of this workspace: stage, verdict, review, and the portfolio on any day'
      ),
      icon: shieldIcon,
      describedBy: {
        args: { type: 'object', properties: { card: { type: 'boolean' } } }
      },
      execute: () => {
        let widget = tracker.currentWidget;
        if (!widget || widget.isDisposed) {
          const content = new ModelsWidget(governance, openNotebook);
          widget = new MainAreaWidget({ content });
          widget.id = 'jp-mlgov-models';
          widget.title.label = trans.__('Models');
          widget.title.icon = shieldIcon;
          void tracker.add(widget);
          app.shell.add(widget, 'main');
        }
        app.shell.activateById(widget.id);
      }
    });
    palette?.addItem({
      command: CommandIDs.models,
      category: trans.__('Governance')
    });
    launcher?.add({
      command: CommandIDs.models,
      args: { card: true },
      category: trans.__('Governance'),
      rank: 1
    });
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.models,
        name: () => 'models'
      });
    }
  }
};

export default plugin;
