// SPDX-License-Identifier: Apache-2.0
// Every command of the documentation is one that exists and takes these options; what needs neither root nor a daemon is run.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { version } from '../../../common/version.js';
import { parse } from '../../../engine/cli/parse.js';
import { run } from '../../helpers/run.js';
import { temporary } from '../engine/api/serve.js';
import { shellWords } from '../engine/cli/invoke.js';
import { anchor, codeBlocks, readDoc, root, sections } from './markdown.js';

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
);

/** The command lines of a page: in blocks of shell, in indented blocks, and between backticks. */
function commandLines(text: string): string[] {
  const blocks = codeBlocks(text)
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => block.text.split('\n'));
  const prose = text.replace(/^```[^]*?^```$/gm, '');
  const indented = [...prose.matchAll(/^ {4}((?:sudo )?(?:bin\/)?ids .*|source <.*)$/gm)].map(([, line = '']) => line);
  const inline = [...prose.matchAll(/`((?:sudo )?(?:bin\/)?ids [^`]*|source <[^`]*)`/g)].map(([, line = '']) => line);
  return [...blocks, ...indented, ...inline]
    .map((line) => line.replace(/ +# .*$/, '').trim())
    .map((line) => /^source <\((.*)\)$/.exec(line)?.[1] ?? line)
    .filter((line) => line !== '');
}

/** The words behind `ids`, or undefined for another program. */
function idsWords(line: string): string[] | undefined {
  const words = shellWords(line.replace(/^sudo /, '').replace(/ > \S+$/, ''));
  return words[0] === 'ids' || words[0] === 'bin/ids' ? words.slice(1) : undefined;
}

/** Lines that stand for a kind of command: a placeholder in capitals, an ellipsis, or a usage. */
const isTemplate = (line: string): boolean => /\b[A-Z]{3,}\b|…|<|\[/.test(line.replace(/"[^"]*"/g, ''));

t.test('each ids command of each page is accepted by the parser', async (t) => {
  for (const page of pages) {
    let found = 0;
    for (const line of commandLines(readDoc(page))) {
      const words = idsWords(line);
      if (!words || isTemplate(line)) continue;
      found++;
      // A name alone ("ids status", or a group such as "ids rules") is one too.
      t.doesNotThrow(() => {
        try {
          parse(words);
        } catch (error) {
          // Prose names a command without the words that it needs.
          if (!/is missing|is needed/.test(String(error)) || words.length > 2) throw error;
        }
      }, `${page}: ${line}`);
    }
    if (page === 'README.md') t.ok(found >= 15, `README.md: ${found} commands`);
  }
});

t.test('each npm script and file of the repository that is named is there', async (t) => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
  for (const page of pages) {
    const text = readDoc(page);
    for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g)) t.ok(name in scripts, `${page}: npm run ${name}`);
    for (const [, path = ''] of text.matchAll(/(?:^|`)(scripts\/[\w-]+)/gm))
      t.ok(existsSync(root + path), `${page}: ${path}`);
  }
  t.ok(readDoc('README.md').includes(`ids-${version}.tgz`), 'the name of the package has its version');
});

t.test('each link leads somewhere', async (t) => {
  for (const page of pages) {
    for (const [, target = ''] of readDoc(page).matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('https://')) continue;
      const [path = '', fragment] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      t.ok(existsSync(root + file), `${page}: ${target}`);
      if (fragment === undefined) continue;
      const titles = [2, 3].flatMap((level) => sections(readDoc(file), level).map(({ title }) => anchor(title)));
      t.ok(titles.includes(fragment), `${page}: ${target}`);
    }
  }
});

t.test('the README has its parts in order', async (t) => {
  const text = readDoc('README.md');
  const parts = [
    '# ids',
    'npm run demo',
    '## On a real interface',
    '## How to get out again',
    '## What it will not do',
    '## Requirements',
    '## Figures',
    '## More',
  ];
  const places = parts.map((part) => text.indexOf(part));
  t.ok(
    places.every((place, i) => place > (places[i - 1] ?? -1)),
    places.join(' '),
  );
  for (const { text: json } of codeBlocks(text).filter(({ language }) => language === 'json')) {
    t.match(JSON.parse(json), { event_type: 'alert', alert: { signature_id: Number } });
  }
});

t.test('what needs neither root nor a daemon does what the README says', async (t) => {
  const folder = temporary(t);
  cpSync(`${root}docs`, join(folder, 'docs'), { recursive: true });
  cpSync(`${root}rules`, join(folder, 'rules'), { recursive: true });
  const ran: string[] = [];
  for (const line of commandLines(readDoc('README.md'))) {
    const words = idsWords(line);
    const harmless = line.startsWith('cp ') || /^(bin\/)?ids (config check|rules check|completion)\b/.test(line);
    if (!harmless) continue;
    const { status } = words
      ? await run(`${root}bin/ids`, words, { cwd: folder })
      : await run('sh', ['-c', line], { cwd: folder });
    t.equal(status, 0, line);
    ran.push(line);
  }
  t.ok(ran.length >= 4, ran.join('; '));
});
