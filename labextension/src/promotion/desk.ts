/* What lies on one's desk about the notebook in front: read when the section opens, and again whenever the record moves. */
import React from 'react';
import type { IReviewDesk } from '../api/types';
import type { ISectionProps } from '../state/tokens';
import { saidBy } from './acts';

export interface IDeskState {
  desk: IReviewDesk | null;
  trouble: string;
  /** Take what an act answered, and have everybody else look again. */
  take(desk: IReviewDesk): void;
  again(): void;
}

/** The desk. What was read before stays in view while it is read again. */
export function useDesk(props: ISectionProps): IDeskState {
  const { state, actions } = props;
  const { path, view } = state;
  const [desk, setDesk] = React.useState<IReviewDesk | null>(null);
  const [trouble, setTrouble] = React.useState('');
  const [asked, setAsked] = React.useState(0);
  const here = view?.workspace ? path : null;
  React.useEffect(() => setDesk(null), [path]);
  React.useEffect(() => {
    if (!here) {
      return;
    }
    let current = true;
    actions
      .ask<IReviewDesk>('reviews')
      .then(found => {
        if (current) {
          setDesk(found);
          setTrouble('');
        }
      })
      .catch((error: unknown) => current && setTrouble(saidBy(error)));
    return () => {
      current = false;
    };
  }, [here, view, asked]);
  const take = (found: IReviewDesk) => {
    setDesk(found);
    actions.refresh();
  };
  return { desk, trouble, take, again: () => setAsked(asked + 1) };
}
