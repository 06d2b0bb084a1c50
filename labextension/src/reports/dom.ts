/* Nodes with text in them. Nothing here ever reads HTML: a column called <script> stays a word. */

const SVG = 'http://www.w3.org/2000/svg';

/** An element with a class and children; texts become text nodes. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (className) {
    node.className = className;
  }
  node.append(...children);
  return node;
}

/** An SVG element with attributes and perhaps a text. */
export function svg(
  tag: string,
  attributes: Record<string, string | number>,
  text?: string
): SVGElement {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, String(value));
  }
  if (text !== undefined) {
    node.textContent = text;
  }
  return node;
}

/** Text in which `backticks` mark code. */
export function said(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  text.split(/`([^`]+)`/).forEach((part, index) => {
    fragment.append(index % 2 ? el('code', '', part) : part);
  });
  return fragment;
}
