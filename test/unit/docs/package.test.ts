// SPDX-License-Identifier: Apache-2.0
// What the package holds: all that an installed `ids` needs, and nothing of its workshop.
import { readdirSync } from 'node:fs';
import t from 'tap';
import { run } from '../../helpers/run.js';
import { temporary } from '../engine/api/serve.js';
import { root } from './markdown.js';

interface Packed {
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

t.test('the files of the package', async (t) => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    deadline: 60_000,
    env: { npm_config_cache: temporary(t) },
  });
  const [packed] = JSON.parse(stdout) as Packed[];
  const files = new Map((packed?.files ?? []).map(({ path, mode }) => [path, mode]));
  const needed = [
    'package.json',
    'LICENSE',
    'README.md',
    'bin/ids',
    'dist/bpf/ids.bpf.o',
    'dist/engine/cli/main.js',
    'dist/engine/daemon/run-daemon.js',
    'dist/engine/ring/reader-worker.js',
    'dist/engine/compiler/compile-worker.js',
    'dist/common/abi.gen.js',
    'docs/cli.md',
    'docs/errors.md',
    'docs/ids.example.yaml',
    'monitoring/grafana-ids.json',
    'monitoring/prometheus-ids.rules.yml',
    ...readdirSync(`${root}rules`)
      .filter((name) => name.endsWith('.rules'))
      .map((name) => `rules/${name}`),
  ];
  for (const file of needed) t.ok(files.has(file), file);
  t.ok(((files.get('bin/ids') ?? 0) & 0o111) !== 0, 'bin/ids may be run');
  const stray = [...files.keys()].filter((path) =>
    /(^|\/)(test|bench|scripts)\/|\.ts$|\.map$|\.tsbuildinfo$|^\.|\.test\./.test(path),
  );
  t.strictSame(stray, [], 'no tests, sources or maps');
  const sources = ['common', 'rules', 'alerts', 'engine'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `dist/${folder}/${name.replace(/\.ts$/, '.js')}`),
  );
  t.strictSame(
    sources.filter((file) => !files.has(file)),
    [],
    'every module',
  );
});
