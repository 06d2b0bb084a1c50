/* A deed that is asked for often and done seldom: once soon after the first wish, then not again before `rest` is over. */

export class Paced {
  constructor(
    private _deed: () => Promise<void>,
    private _delay: number,
    private _rest: number
  ) {}

  /** Wish for the deed. Wishes while it waits or runs are one further deed. */
  soon(): void {
    if (this._timer !== null) {
      return;
    }
    if (this._running) {
      this._again = true;
      return;
    }
    const wait = Math.max(
      this._delay,
      this._rest - (Date.now() - this._finished)
    );
    this._timer = setTimeout(() => void this._run(), wait);
  }

  private async _run(): Promise<void> {
    this._timer = null;
    this._running = true;
    try {
      await this._deed();
    } finally {
      this._running = false;
      this._finished = Date.now();
      if (this._again) {
        this._again = false;
        this.soon();
      }
    }
  }

  private _timer: ReturnType<typeof setTimeout> | null = null;
  private _running = false;
  private _again = false;
  private _finished = 0;
}
