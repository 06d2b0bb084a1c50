import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IPreferences, Preferences } from '../state/preferences';

/** What the user chose in the settings editor (schema/plugin.json), read once it is there and whenever it changes. */
const plugin: JupyterFrontEndPlugin<IPreferences> = {
  id: 'jupyter-mlgov:plugin',
  description: 'Settings of the governance extension.',
  autoStart: true,
  optional: [ISettingRegistry],
  provides: IPreferences,
  activate: (_: JupyterFrontEnd, registry: ISettingRegistry | null) => {
    const preferences = new Preferences();
    if (registry) {
      void registry
        .load(plugin.id)
        .then(settings => {
          const take = () => preferences.take(settings.composite);
          settings.changed.connect(take);
          take();
        })
        .catch((error: unknown) =>
          console.warn('Governance settings are as usual:', error)
        );
    }
    return preferences;
  }
};

export default plugin;
