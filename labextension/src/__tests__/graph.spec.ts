import { describe, expect, it } from 'vitest';
import { pictureOf } from '../lineage/graph';

const NS = 'xmlns="http://www.w3.org/2000/svg"';

describe('pictureOf', () => {
  it('takes shapes and links to cells', () => {
    const drawn = pictureOf(
      `<svg ${NS}><a href="#cell-id=c1"><g data-cell="c1"><rect/></g></a></svg>`
    ) as Element;
    expect(drawn.querySelector('[data-cell]')?.getAttribute('data-cell')).toBe(
      'c1'
    );
  });

  it.each([
    `<svg ${NS}><script>alert(1)</script></svg>`,
    `<svg ${NS}><rect onclick="alert(1)"/></svg>`,
    `<svg ${NS}><a href="javascript:alert(1)"/></svg>`,
    `<svg ${NS}><foreignObject/></svg>`,
    'no svg'
  ])('draws nothing of %s', source => {
    expect(pictureOf(source)).toBeNull();
  });
});
