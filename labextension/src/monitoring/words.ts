/* How the portfolio's numbers read, as in reports/portfolio/words.py. What nobody knows is said, never shown as nothing. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type {
  IComingLine,
  IFigure,
  IFindingLine,
  IPortfolioRow,
  IReviewLine
} from '../api/types';
import { severityWord, verdictMark } from '../state/words';

/** A sentence of Python's own in the reader's language. */
export function told(text: string, trans: TranslationBundle): string {
  // eslint-disable-next-line jupyter/no-dynamic-translation -- Python owns the sentence; locale.spec.ts sees that each has its German
  return trans.__(text);
}

/** `93.3 %`, `14.5 h`, `21.3 days`, or no data. */
export function figureValue(figure: IFigure, trans: TranslationBundle): string {
  if (figure.value === null) {
    return trans.__('no data');
  }
  return figure.kind === 'share'
    ? percent(figure.value, trans)
    : length(figure.value, trans);
}

/** What a figure rests on: its numerator and denominator, or median, mean and longest. */
export function figureBasis(figure: IFigure, trans: TranslationBundle): string {
  const of = told(figure.of, trans);
  if (!figure.n) {
    return trans.__('nothing to count: no %1', of);
  }
  if (figure.kind === 'share') {
    return trans.__('%1 of %2 %3', figure.good, figure.n, of);
  }
  return trans.__(
    'median of %1 (%2); mean %3, longest %4',
    figure.n,
    of,
    length(figure.mean ?? 0, trans),
    length(figure.longest ?? 0, trans)
  );
}

/** One decimal; what is not quite 0 or 1 is never written as 0.0 or 100.0. */
export function percent(value: number, trans: TranslationBundle): string {
  if (value > 0 && value < 0.0005) {
    return trans.__('under 0.1 %');
  }
  if (value >= 0.9995 && value < 1) {
    return trans.__('over 99.9 %');
  }
  return trans.__('%1 %', (value * 100).toFixed(1));
}

/** Hours up to three days, then days; what is not quite nothing is never written as nothing. */
export function length(hours: number, trans: TranslationBundle): string {
  if (hours > 0 && hours < 0.05) {
    return trans.__('under 0.1 h');
  }
  return hours < 72
    ? trans.__('%1 h', hours.toFixed(1))
    : trans.__('%1 d', (hours / 24).toFixed(1));
}

/** `tier 1`, or that nobody said. */
export function tierWord(
  row: { tier: number; declared?: boolean },
  trans: TranslationBundle
): string {
  if (!row.tier) {
    return trans.__('tier unknown');
  }
  const tier = trans.__('tier %1', row.tier);
  return row.declared ? trans.__('%1 (declared)', tier) : tier;
}

/** Why a model is among those to look at first. */
export function why(row: IPortfolioRow, trans: TranslationBundle): string {
  const days = Math.round(row.days);
  const said = [
    row.validated
      ? trans._n('evidence is %1 day old', 'evidence is %1 days old', days)
      : trans._n(
          'never validated, known for %1 day',
          'never validated, known for %1 days',
          days
        )
  ];
  if (!row.tier) {
    said.push(trans.__('its tier is not known, so it counts as tier 1'));
  }
  if (row.declared) {
    said.push(trans.__('its tier is declared, nothing was judged by it'));
  }
  if (['fail', 'error', 'inconclusive'].includes(row.verdict)) {
    const { word } = verdictMark(row.verdict, trans);
    said.push(trans.__('the newest report says: %1', word));
  }
  if (row.findings) {
    said.push(trans._n('%1 open finding', '%1 open findings', row.findings));
  }
  return said.join('; ');
}

/** What is left of a review's time. */
export function reviewLeft(one: IReviewLine, trans: TranslationBundle): string {
  if (one.hours === null) {
    return trans.__('the trail says no deadline');
  }
  return one.hours < 0
    ? trans.__('overdue by %1', length(-one.hours, trans))
    : trans.__('%1 left', length(one.hours, trans));
}

/** Where a finding's time stands. */
export function findingTime(
  one: IFindingLine,
  trans: TranslationBundle
): string {
  if (one.days === null) {
    return one.open_days === null
      ? trans.__('no day was set')
      : trans.__(
          'no day was set, open for %1',
          length(one.open_days * 24, trans)
        );
  }
  return one.days > 0
    ? trans.__('overdue by %1', length(one.days * 24, trans))
    : trans.__('due in %1', length(-one.days * 24, trans));
}

/** How grave a finding is, or that nobody said. */
export function gravity(severity: string, trans: TranslationBundle): string {
  return severity
    ? severityWord(severity, trans)
    : trans.__('severity unknown');
}

/** When something begins and what it would close. */
export function comingWords(
  one: IComingLine,
  trans: TranslationBundle
): { when: string; what: string } {
  const when =
    one.days > 0
      ? trans._n('%2, in %1 day', '%2, in %1 days', one.days, one.date)
      : trans.__('%1, and reports are older than that', one.date);
  const parts = [
    one.closes && trans._n('closes %1 model', 'closes %1 models', one.closes),
    one.unchecked &&
      trans._n(
        'leaves %1 model unchecked',
        'leaves %1 models unchecked',
        one.unchecked
      ),
    one.clear && trans._n('%1 model clear', '%1 models clear', one.clear),
    one.unjudged &&
      trans._n(
        '%1 model not judged under it',
        '%1 models not judged under it',
        one.unjudged
      )
  ].filter(Boolean);
  return {
    when,
    what: parts.join(', ') || trans.__('no model has a report')
  };
}

/** A moment to the minute. */
export function minute(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}
