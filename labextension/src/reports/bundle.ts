/* What the MIME type carries: the published report and, beside it, what its digest does not cover. */
import type { IReason, IReportJson } from '../api/types';

/** What travels beside the report and is not part of its digest (reports/bundle.py: Context). */
export interface IContext {
  stage: string;
  version: string;
  why: IReason[];
  stale: string[];
  /** What a waiver lifts now, in sentences: until when, by whom, why, within which limit. */
  waived: string[];
  made: string;
}

export interface IBundle {
  report: IReportJson;
  context: IContext;
}

/** The report and its context in a MIME bundle's data, or null where it is none. */
export function readBundle(data: unknown): IBundle | null {
  const found = asObject(data);
  const beside = asObject(found.context);
  const text = (key: string) =>
    typeof beside[key] === 'string' ? (beside[key] as string) : '';
  const list = (key: string) =>
    Array.isArray(beside[key]) ? (beside[key] as unknown[]) : [];
  const whole =
    ['results', 'requirements', 'policies', 'blocking'].every(key =>
      Array.isArray(found[key])
    ) &&
    typeof found.subject === 'object' &&
    typeof found.digest === 'string';
  const context: IContext = {
    stage: text('stage'),
    version: text('version'),
    why: list('why') as IReason[],
    stale: list('stale').map(String),
    waived: list('waived').map(String),
    made: text('made')
  };
  return whole ? { report: data as IReportJson, context } : null;
}

/** A value as an object to look into; anything else as an empty one. */
export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : {};
}
