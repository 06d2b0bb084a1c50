/* Cell tags: the one place where a step is written down. Pure functions. */
import { KINDS } from '../api/types';

const PREFIX = 'mlgov:';

/** The label of a cell's step (`train`, `train:champion`), or '' for none. */
export function labelOf(tags: unknown): string {
  const found = textTags(tags).find(tag => tag.startsWith(PREFIX));
  return found ? found.slice(PREFIX.length) : '';
}

/** The kind of a label: `train` of `train:champion`. */
export function kindOf(label: string): string {
  return label.split(':', 1)[0];
}

/** Whether the kind is one that the kernel knows. */
export function isKnown(label: string): boolean {
  return KINDS.includes(kindOf(label));
}

/** A cell's tags once its step is `label` ('' takes it away); all other tags stay. Sorted, so that two people's tags merge. */
export function nextTags(tags: unknown, label: string): string[] {
  const kept = textTags(tags).filter(tag => !tag.startsWith(PREFIX));
  return label ? [...kept, PREFIX + label].sort() : kept;
}

function textTags(tags: unknown): string[] {
  return Array.isArray(tags)
    ? tags.filter((tag): tag is string => typeof tag === 'string')
    : [];
}
