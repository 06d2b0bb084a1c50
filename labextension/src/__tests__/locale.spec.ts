import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { PORTFOLIO_SAYS, SEVERITIES, VERDICTS } from '../api/types';

/* Every text that the sources hand to the translator has its German. */
const FILE = '../jupyter_mlgov/locale/de_DE/LC_MESSAGES/jupyter_mlgov.json';
const german = JSON.parse(readFileSync(FILE, 'utf-8')) as Record<
  string,
  string[]
>;
const [plurals, singles] = [new Map<string, string>(), new Set<string>()];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(one => {
    const path = join(folder, one.name);
    if (one.isDirectory()) {
      return one.name === '__tests__' ? [] : sources(path);
    }
    return /\.tsx?$/.test(path) ? [path] : [];
  });
}

function literal(node: ts.Expression | undefined): string | null {
  if (node && ts.isStringLiteralLike(node)) {
    return node.text;
  }
  if (node && ts.isConditionalExpression(node)) {
    const one = literal(node.whenTrue);
    if (one) {
      singles.add(one);
    }
    return literal(node.whenFalse);
  }
  return null;
}

function read(node: ts.Node): void {
  if (ts.isCallExpression(node)) {
    const called = node.expression;
    const name = ts.isPropertyAccessExpression(called)
      ? called.name.text
      : called.getText();
    const [first, second] = ['_n', '__', 'words'].includes(name)
      ? node.arguments.slice(0, 2).map(literal)
      : [];
    if (name === '_n' && first && second) {
      plurals.set(first, second);
    } else if (first) {
      singles.add(first);
    }
  }
  ts.forEachChild(node, read);
}

for (const path of sources('src')) {
  const text = readFileSync(path, 'utf-8');
  read(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
}
for (const { word } of Object.values(VERDICTS)) {
  singles.add(word);
}
SEVERITIES.forEach(word => singles.add(word));
PORTFOLIO_SAYS.forEach(text => singles.add(text));

const holes = (text: string) => (text.match(/%\d/g) ?? []).sort();

describe('the German of the extension', () => {
  it('is found from sources that are really read', () => {
    expect(singles.size).toBeGreaterThan(120);
    expect(plurals.size).toBeGreaterThan(8);
    expect(singles).toContain('Verify the trail');
    expect(singles).toContain('passed, look');
  });

  it('has one form for a text and two for a number', () => {
    const forms = (text: string) => german[text]?.length;
    expect([...singles].filter(text => forms(text) !== 1)).toEqual([]);
    expect([...plurals.keys()].filter(text => forms(text) !== 2)).toEqual([]);
  });

  it('fills in what the English fills in, and leaves nothing empty', () => {
    for (const text of singles) {
      expect(german[text].map(holes)).toEqual([holes(text)]);
      expect(german[text][0].trim()).not.toBe('');
    }
    for (const [one, many] of plurals) {
      expect(german[one].map(holes)).toEqual([holes(one), holes(many)]);
    }
  });
});
