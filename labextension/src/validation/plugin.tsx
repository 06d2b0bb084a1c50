import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import React from 'react';
import { shieldIcon } from '../panel/icon';
import { CommandIDs, IGovernance, IGovernancePanel } from '../state/tokens';
import { whyNotRun } from '../state/words';
import { Checks } from './checks';
import { runSilently } from './kernel';
import { chosen } from './words';

const LOAD = '%load_ext jupyter_mlgov';
// Not --quiet: the panel shows the kernel's progress lines; a silent request leaves nothing in the notebook anyway.
const VALIDATE = `${LOAD}\n%mlgov validate`;

/** The Checks section, and the commands that ask the notebook's kernel. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:validation',
  description: 'Verdicts, and the button that asks for them.',
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
      id: 'checks',
      label: trans.__('Checks'),
      rank: 20,
      render: props => <Checks {...props} />
    });
    // A report in an output names the cell that it is about; it is shown in the notebook in front.
    document.addEventListener('mlgov:cell', event => {
      const cell: unknown = (event as CustomEvent).detail;
      if (typeof cell === 'string') {
        void governance.goTo(cell);
      }
    });
    const isEnabled = () => whyNotRun(model.state, trans) === '';
    const describedBy = { args: { type: 'object', properties: {} } };
    app.commands.addCommand(CommandIDs.validate, {
      label: trans.__('Validate This Notebook'),
      caption: trans.__('Run all checks in the kernel of this notebook'),
      icon: shieldIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: { only: { type: 'array', items: { type: 'string' } } }
        }
      },
      isEnabled,
      execute: args =>
        askKernel(
          governance,
          [VALIDATE, ...chosen(args.only)].join(' '),
          trans.__('Running the checks…')
        )
    });
    app.commands.addCommand(CommandIDs.stop, {
      label: trans.__('Stop the Checks'),
      caption: trans.__('Interrupt the kernel; what is done is kept'),
      describedBy,
      isEnabled: () => model.state.work !== '',
      execute: () =>
        governance.notebook?.sessionContext.session?.kernel?.interrupt()
    });
    app.commands.addCommand(CommandIDs.record, {
      label: trans.__('Start Recording This Notebook'),
      caption: trans.__('Load jupyter_mlgov into the kernel'),
      describedBy,
      isEnabled,
      execute: () =>
        askKernel(governance, LOAD, trans.__('Starting the recorder…'))
    });
    const category = trans.__('Governance');
    palette?.addItem({ command: CommandIDs.validate, category });
    palette?.addItem({ command: CommandIDs.stop, category });
    palette?.addItem({ command: CommandIDs.record, category });
  }
};

/** Save first, so that the kernel judges what is on the screen; then ask; then read again. */
async function askKernel(
  governance: IGovernance,
  code: string,
  words: string
): Promise<void> {
  const { model, notebook: asked } = governance;
  const kernel = asked?.sessionContext.session?.kernel;
  if (!asked || !kernel) {
    return;
  }
  const tell = (work: string, complaint = '') => {
    if (governance.notebook === asked) {
      model.update({ work, complaint });
    }
  };
  tell(governance.trans.__('Waiting for the kernel…'));
  try {
    if (asked.context.model.dirty && !model.state.readOnly) {
      await asked.context.save();
    }
    const answer = await runSilently(kernel, code, words, line => tell(line));
    tell(
      '',
      answer.stopped
        ? governance.trans.__('Stopped. What is shown is as it was before.')
        : answer.complaint
    );
  } catch (error) {
    tell('', error instanceof Error ? error.message : String(error));
  } finally {
    governance.refresh();
  }
}

export default plugin;
