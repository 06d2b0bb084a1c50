import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { Menu } from '@lumino/widgets';
import { KINDS } from '../api/types';
import { shieldIcon } from '../panel/icon';
import { kindOf, labelOf, nextTags } from '../state/tags';
import { CommandIDs, IGovernance } from '../state/tokens';

/** Tags the active cell as a step: from its toolbar, the context menu (schema/tagging.json) and the palette. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlgov:tagging',
  description: 'Tags cells as steps.',
  autoStart: true,
  requires: [IGovernance],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    governance: IGovernance,
    palette: ICommandPalette | null
  ) => {
    const { trans } = governance;
    const { commands } = app;
    const canTag = () =>
      governance.notebook?.content.activeCell?.model !== undefined &&
      !governance.model.state.readOnly;
    commands.addCommand(CommandIDs.tagCell, {
      label: args =>
        args.palette
          ? trans.__(
              'Tag Cell as Step: %1',
              kindName(args.kind, trans.__('none'))
            )
          : kindName(args.kind, trans.__('none')),
      caption: trans.__('Write the step into the tags of the selected cells'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            kind: { type: 'string', enum: ['', ...KINDS] },
            cell: { type: 'string' }
          }
        }
      },
      isEnabled: canTag,
      isToggled: args => !args.palette && activeKind(governance) === args.kind,
      execute: args =>
        tagCells(governance, String(args.kind ?? ''), String(args.cell ?? ''))
    });
    const menu = tagMenu(app);
    commands.addCommand(CommandIDs.tagMenu, {
      label: trans.__('Tag Cell as Step…'),
      caption: trans.__('Tag this cell as a step'),
      icon: shieldIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: canTag,
      execute: () => {
        const at = menuPlace(governance);
        menu.open(at.left, at.bottom);
      }
    });
    const category = trans.__('Governance');
    for (const kind of [...KINDS, '']) {
      const args = { kind, palette: true };
      palette?.addItem({ command: CommandIDs.tagCell, category, args });
    }
  }
};

function kindName(kind: unknown, none: string): string {
  return typeof kind === 'string' && kind ? kind : none;
}

function tagMenu(app: JupyterFrontEnd): Menu {
  const menu = new Menu({ commands: app.commands });
  menu.id = 'jp-mlgov-tag-menu';
  for (const kind of KINDS) {
    menu.addItem({ command: CommandIDs.tagCell, args: { kind } });
  }
  menu.addItem({ type: 'separator' });
  menu.addItem({ command: CommandIDs.tagCell, args: { kind: '' } });
  return menu;
}

/** Below the button in the cell's toolbar; where there is none (narrow cells), below the cell's first line. */
function menuPlace(governance: IGovernance): DOMRect {
  const cell = governance.notebook?.content.activeCell?.node;
  const button = cell?.querySelector('[data-jp-item-name="mlgov-tag"]');
  return (button ?? cell ?? document.body).getBoundingClientRect();
}

function activeKind(governance: IGovernance): string {
  const cell = governance.notebook?.content.activeCell;
  return cell ? kindOf(labelOf(cell.model.getMetadata('tags'))) : '';
}

/**
 * Tag the named cell, else every selected one. One transaction of the notebook, so that one Edit > Undo Cell Operation takes it back;
 * nothing but the tag list is written, and an empty one not at all.
 */
function tagCells(governance: IGovernance, kind: string, cell: string): void {
  const notebook = governance.notebook?.content;
  if (!notebook?.model) {
    return;
  }
  const meant = notebook.widgets.filter(one =>
    cell ? one.model.id === cell : notebook.isSelectedOrActive(one)
  );
  notebook.model.sharedModel.transact(() => {
    for (const { model } of meant) {
      const before = model.getMetadata('tags');
      if (kindOf(labelOf(before)) === kind) {
        continue;
      }
      const tags = nextTags(before, kind);
      if (tags.length) {
        model.setMetadata('tags', tags);
      } else {
        model.deleteMetadata('tags');
      }
    }
  }, true);
  governance.scan();
}

export default plugin;
