/* What a user may set (schema/plugin.json), with the values that hold until the settings are read. */
import { Token } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

export interface IChosen {
  /** Whether a step's state is drawn in the margin of its cells. */
  badges: boolean;
  /** The side of the window where the panel stands. */
  side: 'left' | 'right';
  /** The section that is open first. */
  section: string;
  /** Whether steps are proposed for untagged cells. */
  suggestions: boolean;
  /** Every how many seconds to ask while no news come in; 0: never. */
  poll: number;
}

export const USUAL: IChosen = {
  badges: true,
  side: 'right',
  section: 'steps',
  suggestions: true,
  poll: 30
};

/** A shorter wait would be a load on the server without a use. */
export const LEAST_POLL = 5;

export interface IPreferences {
  readonly chosen: IChosen;
  readonly changed: ISignal<IPreferences, IChosen>;
}

export const IPreferences = new Token<IPreferences>(
  'jupyter-mlgov:IPreferences',
  'What the user chose in the settings of the governance extension.'
);

/** Holds the choice; `take` reads it anew from what the settings hold. */
export class Preferences implements IPreferences {
  get chosen(): IChosen {
    return this._chosen;
  }

  get changed(): ISignal<this, IChosen> {
    return this._changed;
  }

  take(composite: Readonly<Record<string, unknown>>): void {
    this._chosen = chosenOf(composite);
    this._changed.emit(this._chosen);
  }

  private _chosen = USUAL;
  private _changed = new Signal<this, IChosen>(this);
}

/** The choice in a bag of settings; what is missing or of another type is as usual. */
export function chosenOf(bag: Readonly<Record<string, unknown>>): IChosen {
  const { badges, side, section, suggestions, poll } = bag;
  return {
    badges: typeof badges === 'boolean' ? badges : USUAL.badges,
    side: side === 'left' || side === 'right' ? side : USUAL.side,
    section: typeof section === 'string' ? section : USUAL.section,
    suggestions:
      typeof suggestions === 'boolean' ? suggestions : USUAL.suggestions,
    poll: typeof poll === 'number' ? seconds(poll) : USUAL.poll
  };
}

function seconds(poll: number): number {
  return poll > 0 ? Math.max(LEAST_POLL, poll) : 0;
}
