/* The one word on top of a report. Python's own where it came along; else one that never says MAY GO. */
import { asObject, IBundle } from './bundle';

/** The words around the facts; the caller translates them. */
export interface IWords {
  (text: string, ...values: (string | number)[]): string;
}

/** The one word on top and the rest of its sentence, as reports/reading.py says them. */
export interface IHeadline {
  title: string;
  standing: string;
  detail: string;
}

/** Python's own headline where it came along; else words that never say MAY GO. */
export function headline(
  data: unknown,
  bundle: IBundle,
  words: IWords
): IHeadline {
  const sent = asObject(asObject(data).headline);
  if (typeof sent.standing === 'string') {
    return {
      title: String(sent.title ?? ''),
      standing: sent.standing,
      detail: String(sent.detail ?? '')
    };
  }
  const { report, context } = bundle;
  const version = context.version
    ? ` · v${context.version.replace(/^v/, '')}`
    : '';
  const stage = context.stage ? ` → ${context.stage}` : '';
  const title = `${report.subject.name || words('unnamed subject')}${version}${stage}`;
  return { title, ...standing(bundle, words) };
}

function standing(
  { report, context }: IBundle,
  words: IWords
): { standing: string; detail: string } {
  const applies = report.results.filter(
    item => item.verdict !== 'not_applicable'
  );
  if (!applies.length) {
    return { standing: words('NOTHING WAS CHECKED'), detail: '' };
  }
  const shut = words('NOT YET');
  const blocking = context.why.length || report.blocking.length;
  if (blocking) {
    const detail =
      blocking > 1
        ? words('%1 things stand in the way', blocking)
        : words('%1 thing stands in the way', blocking);
    return { standing: shut, detail };
  }
  if (context.stale.length) {
    return { standing: shut, detail: words('this report is out of date') };
  }
  return {
    standing: words('CHECKS CLEAR'),
    detail: words('nothing that was measured stands in the way')
  };
}
