/* One question to the server, asked again when what it is about changes; an older answer never takes the place of a newer one. */
import React from 'react';
import { ITrouble, Refusal } from '../api/request';

export interface IAsked<T> {
  found: T | null;
  trouble: ITrouble | null;
}

/** What `ask` found. Where `key` changes, the old answer goes at once; where only `moved` does, it stays until the new one is there. */
export function useAsked<T>(
  ask: () => Promise<T>,
  key: string,
  moved: number
): IAsked<T> {
  const [answer, setAnswer] = React.useState<IAsked<T> & { key: string }>({
    key,
    found: null,
    trouble: null
  });
  React.useEffect(() => {
    let mine = true;
    const set = (found: T | null, trouble: ITrouble | null) =>
      mine && setAnswer({ key, found, trouble });
    ask().then(
      found => set(found, null),
      (error: unknown) => set(null, troubleOf(error))
    );
    return () => {
      mine = false;
    };
  }, [key, moved]);
  return answer.key === key ? answer : { found: null, trouble: null };
}

function troubleOf(error: unknown): ITrouble {
  return error instanceof Refusal
    ? error.trouble
    : { message: String(error), expected: '', next: '' };
}
