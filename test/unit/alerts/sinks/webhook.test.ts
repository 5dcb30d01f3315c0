// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openSink, outputsSchema, signWebhook } from '../../../../alerts/index.js';
import { readSecret, readSigningKey } from '../../../../alerts/secret.js';

t.test('the signature of the convention', async (t) => {
  // The worked example of the Standard Webhooks reference libraries.
  const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  t.equal(
    signWebhook(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}'),
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

t.test('keys come from files and the environment, and are never shown', async (t) => {
  const dir = t.testdir();
  const file = path.join(dir, 'key');
  const put = (text: string): { file: string } => {
    writeFileSync(file, text);
    return { file };
  };
  t.same(await readSigningKey(put(`whsec_${Buffer.alloc(32, 7).toString('base64')}\n`)), Buffer.alloc(32, 7));
  t.same(await readSigningKey(put('a raw key of thirty characters')), Buffer.from('a raw key of thirty characters'));
  process.env['IDS_TEST_SECRET'] = '  token  ';
  t.equal(await readSecret({ env: 'IDS_TEST_SECRET' }), 'token');
  for (const secret of ['whsec_c2hvcnQ=', 'whsec_!!!!this-is-no-base64-at-all-but-long-enough!!!!', 'short-secret']) {
    const error = await readSigningKey(put(secret)).catch((e: unknown) => e as Error);
    t.match(error, { code: 'OUTPUT_FAILED' });
    t.notOk(String((error as Error).stack).includes(secret), 'kept out of the error');
    t.ok((error as Error).message.includes(file));
  }
  await t.rejects(readSecret(put('\n')), { message: /there is no secret in .*key: put one there/ });
  await t.rejects(readSecret({ env: 'IDS_TEST_UNSET' }), { message: /environment variable IDS_TEST_UNSET/ });
  await t.rejects(readSecret({ file: path.join(dir, 'none') }), { message: /cannot read the secret: ENOENT/ });
});

t.test('the target shows neither path nor query', async (t) => {
  const [config] = outputsSchema.parse([{ type: 'webhook', url: 'https://siem.example/in?token=hush' }]);
  const sink = await openSink(config as NonNullable<typeof config>);
  t.equal(sink.target, 'https://siem.example/...');
  await sink.close();
});
