// SPDX-License-Identifier: Apache-2.0
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** A disabled rule states its reason on the line: `// eslint-disable-next-line RULE -- why`. */
const reasons = {
  rules: {
    'disable-needs-reason': {
      meta: {
        type: 'problem',
        schema: [],
        messages: { reason: 'State why the rule is disabled: "{{directive}} RULE -- reason".' },
      },
      create(context) {
        return {
          Program() {
            for (const comment of context.sourceCode.getAllComments()) {
              const directive = /^\s*(eslint-disable(?:-next-line|-line)?)\b/.exec(comment.value)?.[1];
              if (directive === undefined || /\s--\s+\S/.test(comment.value)) continue;
              context.report({ loc: comment.loc, messageId: 'reason', data: { directive } });
            }
          },
        };
      },
    },
  },
};

const binding = { name: 'koffi', message: 'Only engine/bpf/ speaks to C; use the objects that it exports.' };

/** Forbids imports that climb out of a folder into one of `folders`. */
function outside(folders, message, allowTypeImports = false) {
  return { regex: String.raw`^(\.\./)+(${folders.join('|')})/`, message, allowTypeImports };
}

const harness = ['test', 'bench', 'scripts'];
const product = (paths, patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { paths, patterns }] });

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tap/', '**/*.gen.ts', 'test/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  { plugins: { ids: reasons }, rules: { 'ids/disable-needs-reason': 'error', eqeqeq: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // tap's subtests return a promise that the parent test awaits by itself.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafePromises: [{ from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' }] },
      ],
    },
  },
  // The order of the folders: common <- rules <- alerts (types of rules) <- engine.
  {
    files: ['common/**/*.ts'],
    rules: product([binding], [outside(['rules', 'alerts', 'engine', ...harness], 'common/ imports nothing of ours.')]),
  },
  {
    files: ['rules/**/*.ts'],
    rules: product([binding], [outside(['alerts', 'engine', ...harness], 'rules/ imports common/ alone.')]),
  },
  {
    files: ['alerts/**/*.ts'],
    rules: product(
      [binding],
      [
        outside(['engine', ...harness], 'alerts/ imports common/ and the types of rules/.'),
        outside(['rules'], 'alerts/ takes only types from rules/: write import type.', true),
      ],
    ),
  },
  {
    files: ['engine/**/*.ts'],
    ignores: ['engine/bpf/**'],
    rules: product([binding], [outside(harness, 'What ships does not import its tests or tools.')]),
  },
  {
    files: ['engine/bpf/**/*.ts'],
    rules: product([], [outside(harness, 'What ships does not import its tests or tools.')]),
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: product([binding], []),
  },
  // Here the terminal is the place to write to.
  { files: ['engine/cli/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  // A test callback is async by habit, and hands methods to spies.
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
  { files: ['**/*.js'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
);
