import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { NotebookActions } from '@jupyterlab/notebook';
import React from 'react';
import { Traffic } from '../monitoring/traffic';
import { IPreferences } from '../state/preferences';
import { CommandIDs, IGovernance, IGovernancePanel } from '../state/tokens';
import { badgesOf, drawBadges } from './badges';
import { followClicks, Graph } from './graph';
import { staleCells, Steps } from './steps';
import { Suggestions } from './suggestions';

/** The Steps section, the badges in the margin, and running what is stale. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:lineage',
  description: 'Steps of the notebook with their state.',
  autoStart: true,
  requires: [IGovernance, IGovernancePanel, IPreferences],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    governance: IGovernance,
    panel: IGovernancePanel,
    preferences: IPreferences,
    palette: ICommandPalette | null
  ) => {
    const { trans, model } = governance;
    panel.add({
      id: 'steps',
      label: trans.__('Steps'),
      rank: 10,
      unread: 'whole',
      render: props => (
        <>
          <Steps {...props} />
          <Traffic {...props} />
          {preferences.chosen.suggestions ? <Suggestions {...props} /> : null}
          <Graph {...props} />
        </>
      )
    });
    followClicks(governance);
    // A notebook that opens changes the state many times within one frame: its cells are looked at once.
    let frame = 0;
    const draw = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        if (governance.notebook) {
          const { badges } = preferences.chosen;
          const shown = badges ? badgesOf(model.state, trans) : new Map();
          drawBadges(governance.notebook.content, shown);
        }
      });
    };
    model.changed.connect(draw);
    // The panel reads its section anew when the state says so.
    preferences.changed.connect(() => model.update({}));
    app.commands.addCommand(CommandIDs.runStale, {
      label: trans.__('Run Stale Steps'),
      caption: trans.__('Run the cells of all stale steps, in their order'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () =>
        model.state.kernel !== 'none' && staleCells(model.state).length > 0,
      execute: () => runStale(governance)
    });
    app.commands.addCommand(CommandIDs.runCells, {
      label: trans.__('Run These Cells'),
      describedBy: {
        args: {
          type: 'object',
          properties: { cells: { type: 'array', items: { type: 'string' } } }
        }
      },
      isEnabled: () => model.state.kernel !== 'none',
      execute: args => runCells(governance, listed(args.cells))
    });
    app.commands.addCommand(CommandIDs.insert, {
      label: trans.__('Insert a Cell That Asks'),
      describedBy: {
        args: {
          type: 'object',
          properties: { code: { type: 'string' }, run: { type: 'boolean' } }
        }
      },
      isEnabled: () => !model.state.readOnly,
      execute: args =>
        insert(governance, String(args.code ?? ''), args.run === true)
    });
    app.commands.addCommand(CommandIDs.restart, {
      label: trans.__('Restart and Run All'),
      describedBy: { args: { type: 'object', properties: {} } },
      // JupyterLab's own, which asks first.
      execute: () => app.commands.execute('notebook:restart-run-all')
    });
    app.commands.addCommand(CommandIDs.openFile, {
      label: trans.__('Open a File of the Workspace'),
      describedBy: {
        args: { type: 'object', properties: { file: { type: 'string' } } }
      },
      execute: args =>
        app.commands.execute('docmanager:open', {
          path: PathExt.join(governance.folder, String(args.file ?? ''))
        })
    });
    const category = trans.__('Governance');
    palette?.addItem({ command: CommandIDs.runStale, category });
  }
};

function listed(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A new cell at the end of the notebook, in view; Edit > Undo takes it away. */
async function insert(
  governance: IGovernance,
  code: string,
  run: boolean
): Promise<void> {
  const panel = governance.notebook;
  if (!panel?.model || !code) {
    return;
  }
  const shared = panel.model.sharedModel;
  shared.insertCell(shared.cells.length, { cell_type: 'code', source: code });
  const id = shared.cells[shared.cells.length - 1].id;
  await governance.goTo(id);
  if (run) {
    await runCells(governance, [id]);
  }
}

async function runStale(governance: IGovernance): Promise<void> {
  await runCells(governance, staleCells(governance.model.state));
}

async function runCells(
  governance: IGovernance,
  those: readonly string[]
): Promise<void> {
  const panel = governance.notebook;
  const ids = new Set(those);
  const cells = panel?.content.widgets.filter(cell => ids.has(cell.model.id));
  if (panel && cells?.length) {
    await NotebookActions.runCells(panel.content, cells, panel.sessionContext);
  }
}

export default plugin;
