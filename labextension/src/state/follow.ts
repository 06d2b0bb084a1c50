/* Follows the notebook in front: its path, cells, kernel, and the server's view of it. */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents, Kernel } from '@jupyterlab/services';
import type { ServerConnection } from '@jupyterlab/services';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISessionContext } from '@jupyterlab/apputils';
import { Live } from '../api/live';
import { ask, ITrouble, Refusal, send } from '../api/request';
import type { INotebookView, IPresence } from '../api/types';
import { ISignal, Signal } from '@lumino/signaling';
import { GovernanceModel, ILiveCell, KernelState } from './model';
import { labelOf } from './tags';
import { Paced } from './paced';
import type { IGovernance } from './tokens';

export class Follower implements IGovernance {
  readonly model = new GovernanceModel();

  constructor(
    private _tracker: INotebookTracker,
    private _contents: Contents.IManager,
    private _server: ServerConnection.ISettings,
    readonly trans: TranslationBundle
  ) {
    _tracker.currentChanged.connect(() => this._switch());
    this._live = new Live(_server, {
      changed: () => {
        this._news.emit();
        this.refresh();
      },
      line: up => this._line(up)
    });
    this._switch();
    void this._present();
  }

  get notebook(): NotebookPanel | null {
    return this._notebook;
  }

  get folder(): string {
    return this._folder;
  }

  get moved(): ISignal<IGovernance, void> {
    return this._news;
  }

  refresh(): void {
    this._asking.soon();
  }

  /** While no news come in, ask every so many seconds; 0: never. */
  askEvery(seconds: number): void {
    clearInterval(this._timer);
    if (seconds) {
      this._timer = setInterval(() => {
        if (!this.model.state.live && !document.hidden) {
          this._news.emit();
          this.refresh();
        }
      }, seconds * 1000);
    }
  }

  ask<T>(route: string, query: Record<string, string> = {}): Promise<T> {
    const path = this._path();
    return ask<T>(route, path ? { path, ...query } : query, this._server);
  }

  send<T>(
    route: string,
    body: Record<string, unknown>,
    query: Record<string, string> = {}
  ): Promise<T> {
    const path = this._path();
    const whole = path ? { path, ...query } : query;
    return send<T>(route, whole, body, this._server);
  }

  /** The path of the notebook in front, or of the last one that was, as the server knows it; '' where there was none. */
  private _path(): string {
    const path = this._notebook?.context.path ?? '';
    if (path && !this._contents.driveName(path)) {
      this._last = this._contents.localPath(path);
    }
    return this._last;
  }

  /** Who is signed in and what they may do: asked when the page opens and when the server came back. */
  private async _present(): Promise<void> {
    try {
      const { rights, name } = await ask<IPresence>('status', {}, this._server);
      this.model.update({ rights, user: name });
    } catch {
      // The panel's own request says what is wrong with the server.
    }
  }

  private _line(up: boolean): void {
    if (up !== this.model.state.live) {
      this.model.update({ live: up });
      if (up) {
        void this._present();
        this.refresh();
      }
    }
  }

  /** Hear of the notebook in front from now on. */
  private _watch(): void {
    const path = this._path();
    this._live.watch(path ? [path] : []);
  }

  scan(): void {
    const panel = this._notebook;
    const cells = panel?.model?.cells;
    this.model.update({ cells: cells ? Array.from(cells).map(liveCell) : [] });
  }

  async goTo(cellId: string): Promise<void> {
    const notebook = this._notebook?.content;
    const index = notebook?.widgets.findIndex(cell => cell.model.id === cellId);
    if (!notebook || index === undefined || index < 0) {
      return;
    }
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    notebook.activate();
    await notebook.scrollToItem(index, 'smart');
  }

  private _switch(): void {
    const next = this._tracker.currentWidget;
    if (next === this._notebook && next !== null) {
      return;
    }
    this._let(this._notebook);
    this._notebook = next;
    this.model.update({
      path: next?.context.path ?? null,
      view: null,
      trouble: null,
      loading: next !== null,
      complaint: '',
      work: '',
      readOnly: false
    });
    this._kernelChanged();
    this.scan();
    this._watch();
    if (next) {
      void next.context.ready.then(() => this._take(next));
    }
  }

  private _take(panel: NotebookPanel): void {
    if (panel !== this._notebook || panel.isDisposed) {
      return;
    }
    panel.context.saveState.connect(this._saved, this);
    panel.context.pathChanged.connect(this._moved, this);
    panel.sessionContext.statusChanged.connect(this._kernelStatus, this);
    panel.sessionContext.kernelChanged.connect(this._kernelChanged, this);
    panel.model?.contentChanged.connect(this._edited, this);
    this.model.update({
      path: panel.context.path,
      readOnly:
        panel.model?.readOnly === true ||
        panel.context.contentsModel?.writable === false
    });
    this._kernelChanged();
    this.scan();
    this.refresh();
  }

  private _let(panel: NotebookPanel | null): void {
    if (!panel || panel.isDisposed) {
      return;
    }
    panel.context.saveState.disconnect(this._saved, this);
    panel.context.pathChanged.disconnect(this._moved, this);
    panel.sessionContext.statusChanged.disconnect(this._kernelStatus, this);
    panel.sessionContext.kernelChanged.disconnect(this._kernelChanged, this);
    panel.model?.contentChanged.disconnect(this._edited, this);
  }

  private _saved(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'completed') {
      this.refresh();
    }
  }

  private _moved(): void {
    this.model.update({ path: this._notebook?.context.path ?? null });
    this._watch();
    this.refresh();
  }

  private _edited(): void {
    this._scanning.soon();
  }

  private _kernelStatus(_: ISessionContext, status: Kernel.Status): void {
    this._kernelChanged();
    if (status === 'idle') {
      this._scanning.soon();
      this.refresh();
    }
  }

  private _kernelChanged(): void {
    const kernel = this._notebook?.sessionContext.session?.kernel;
    const now = kernelState(kernel?.status);
    if (now !== this.model.state.kernel) {
      this.model.update({ kernel: now });
    }
  }

  private async _ask(): Promise<void> {
    const panel = this._notebook;
    if (!panel || panel.isDisposed) {
      return;
    }
    const answer = await this._answer(panel.context.path);
    const { live, view } = this.model.state;
    if (answer.trouble && !live && view) {
      // The server is away, and the panel says so: what was read before is still the best there is.
      return;
    }
    if (panel === this._notebook) {
      this._remember(answer.view);
      this.model.update({ loading: false, ...answer });
    }
  }

  /** Where the workspace lies: the notebook's path without its name in the workspace. */
  private _remember(view: INotebookView | null): void {
    const path = this._path();
    if (view?.workspace && path.endsWith(view.notebook)) {
      const folder = path.slice(0, path.length - view.notebook.length);
      this._folder = folder.replace(/\/$/, '');
    }
  }

  private async _answer(
    path: string
  ): Promise<{ view: INotebookView | null; trouble: ITrouble | null }> {
    if (this._contents.driveName(path)) {
      const message = this.trans.__(
        'This notebook is on another drive than the server’s own files.'
      );
      const next = this.trans.__('Open it from the server’s file browser.');
      return { view: null, trouble: { message, expected: '', next } };
    }
    try {
      const local = this._contents.localPath(path);
      const view = await ask<INotebookView>(
        'notebook',
        { path: local },
        this._server
      );
      return { view, trouble: null };
    } catch (error) {
      const trouble =
        error instanceof Refusal
          ? error.trouble
          : { message: String(error), expected: '', next: '' };
      return { view: null, trouble };
    }
  }

  private _live: Live;
  private _timer: ReturnType<typeof setInterval> | undefined;
  private _last = '';
  private _folder = '';
  private _news = new Signal<IGovernance, void>(this);
  private _notebook: NotebookPanel | null = null;
  // Not a poll: these only run after something happened, and then not more often than this.
  private _asking = new Paced(() => this._ask(), 250, 1000);
  private _scanning = new Paced(async () => this.scan(), 60, 150);
}

function liveCell(
  cell: Pick<DocumentCell, 'id' | 'getMetadata'> & { executionCount?: unknown }
): ILiveCell {
  const count = cell.executionCount;
  return {
    id: cell.id,
    label: labelOf(cell.getMetadata('tags')),
    prompt: typeof count === 'number' ? count : null
  };
}

interface DocumentCell {
  id: string;
  getMetadata(key: string): unknown;
}

function kernelState(status: Kernel.Status | undefined): KernelState {
  switch (status) {
    case undefined:
    case 'dead':
      return 'none';
    case 'idle':
      return 'idle';
    case 'busy':
      return 'busy';
    default:
      return 'starting';
  }
}
