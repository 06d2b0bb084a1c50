import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/**', 'node_modules/**'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { jupyter },
    rules: {
      ...jupyter.configs.recommended[0].rules,
      // All of this is some 40 kB and drawn at start; one request is cheaper than eight.
      'jupyter/prefer-lazy-imports': 'off',
      eqeqeq: 'error',
      curly: 'error',
      'prefer-const': 'error',
      'no-restricted-properties': [
        'error',
        {
          property: 'innerHTML',
          message: 'Free text is hostile: use textContent.'
        },
        {
          property: 'outerHTML',
          message: 'Free text is hostile: use textContent.'
        }
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]',
          message: 'Free text is hostile: let React escape it.'
        }
      ],
      // Tokens and command ids are declared as JupyterLab itself declares them.
      '@typescript-eslint/no-namespace': 'off',
      // A token and its interface share a name on purpose (Lumino's pattern).
      '@typescript-eslint/no-redeclare': 'off',
      'no-redeclare': 'off'
    }
  },
  {
    // Nobody reads the words of a test in another language.
    files: ['src/__tests__/**'],
    rules: {
      'jupyter/no-untranslated-string': 'off',
      'jupyter/no-dynamic-translation': 'off'
    }
  },
  {
    files: ['scripts/**', '*.mjs', '*.mts'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } }
  },
  prettier
);
