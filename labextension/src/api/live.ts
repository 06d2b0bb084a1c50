/* The line on which the server says that a record moved. It comes back by itself after a restart of the server. */
import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';

const LONGEST = 30_000;

/** What the line tells its owner. */
export interface ILiveNews {
  /** The record behind this path moved. */
  changed(path: string): void;
  /** The line is up, or is not. */
  line(up: boolean): void;
}

export class Live {
  constructor(
    private _server: ServerConnection.ISettings,
    private _news: ILiveNews
  ) {
    this._open();
  }

  /** Hear of these paths from now on. */
  watch(paths: readonly string[]): void {
    this._paths = paths;
    if (this._socket?.readyState === 1) {
      this._socket.send(JSON.stringify({ watch: paths }));
    }
  }

  private _open(): void {
    const url = URLExt.join(this._server.wsUrl, 'mlgov', 'api', 'events');
    const token = this._server.appendToken ? this._server.token : '';
    const query = token ? URLExt.objectToQueryString({ token }) : '';
    const socket = new this._server.WebSocket(url + query);
    this._socket = socket;
    socket.onopen = () => {
      this._tries = 0;
      this._news.line(true);
      this.watch(this._paths);
    };
    socket.onmessage = message => {
      const news = JSON.parse(String(message.data)) as { changed?: string };
      if (news.changed !== undefined) {
        this._news.changed(news.changed);
      }
    };
    socket.onclose = () => this._again();
  }

  /** Try again after 1, 2, 4 … 30 s, a little apart from other tabs. */
  private _again(): void {
    this._news.line(false);
    const wait = Math.min(LONGEST, 1000 * 2 ** this._tries);
    this._tries += 1;
    setTimeout(() => this._open(), wait * (0.75 + Math.random() / 2));
  }

  private _socket: WebSocket | null = null;
  private _paths: readonly string[] = [];
  private _tries = 0;
}
