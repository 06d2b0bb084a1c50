import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import React from 'react';
import { IPreferences } from '../state/preferences';
import {
  CommandIDs,
  IGovernance,
  IGovernancePanel,
  ISection
} from '../state/tokens';
import { shieldIcon } from './icon';
import { Panel } from './view';

/** The side panel: draws the sections that others added, whenever the state or the open tab changes. */
class GovernancePanel extends ReactWidget implements IGovernancePanel {
  constructor(
    private _governance: IGovernance,
    readonly commands: CommandRegistry,
    preferences: IPreferences
  ) {
    super();
    this.id = 'jp-mlgov-panel';
    this.addClass('jp-mlgov-panel');
    this.title.icon = shieldIcon;
    this.title.caption = _governance.trans.__('Governance');
    _governance.model.changed.connect(() => this._changed.emit());
    this._open = preferences.chosen.section;
    preferences.changed.connect((_, { section }) => {
      // A choice of the user's own on the page goes before the setting.
      if (!this._asked) {
        this._open = section;
        this._changed.emit();
      }
    });
  }

  add(section: ISection): void {
    this._sections = [...this._sections, section].sort(
      (one, other) => one.rank - other.rank
    );
    this._changed.emit();
  }

  open(section: string): void {
    this._asked = true;
    this._open = section;
    this._changed.emit();
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._changed}>
        {() => (
          <Panel
            state={this._governance.model.state}
            sections={this._sections}
            open={this._open}
            trans={this._governance.trans}
            commands={CommandIDs}
            actions={{
              goTo: cell => void this._governance.goTo(cell),
              run: (command, args) => void this.commands.execute(command, args),
              open: section => this.open(section),
              ask: (route, query) => this._governance.ask(route, query),
              send: (route, body, query) =>
                this._governance.send(route, body, query),
              refresh: () => this._governance.refresh()
            }}
          />
        )}
      </UseSignal>
    );
  }

  private _sections: readonly ISection[] = [];
  private _asked = false;
  private _open: string;
  private _changed = new Signal<this, void>(this);
}

/** The right-hand panel and the command that opens it. */
const plugin: JupyterFrontEndPlugin<IGovernancePanel> = {
  id: 'jupyter-mlgov:panel',
  description: 'The governance side panel.',
  autoStart: true,
  requires: [IGovernance, IPreferences],
  optional: [ICommandPalette, ILayoutRestorer],
  provides: IGovernancePanel,
  activate: (
    app: JupyterFrontEnd,
    governance: IGovernance,
    preferences: IPreferences,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { trans } = governance;
    const panel = new GovernancePanel(governance, app.commands, preferences);
    const stand = (side: string) =>
      app.shell.add(panel, side, { rank: 600, type: 'Governance' });
    stand(preferences.chosen.side);
    let now = preferences.chosen.side;
    preferences.changed.connect((_, { side }) => {
      if (side !== now) {
        now = side;
        stand(side);
      }
    });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Show Governance'),
      caption: trans.__('Show where this notebook stands'),
      icon: shieldIcon,
      describedBy: {
        args: { type: 'object', properties: { section: { type: 'string' } } }
      },
      execute: args => {
        if (typeof args.section === 'string') {
          panel.open(args.section);
        }
        app.shell.activateById(panel.id);
        governance.refresh();
      }
    });
    const category = trans.__('Governance');
    palette?.addItem({ command: CommandIDs.open, category });
    palette?.addItem({ command: CommandIDs.refresh, category });
    return panel;
  }
};

export default plugin;
