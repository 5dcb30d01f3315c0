// SPDX-License-Identifier: Apache-2.0
// A Kafka cluster that goes wrong as it is told: librdkafka's mock, steered from here and read back with kcat.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { run } from '../../helpers/run.js';
import { undoAfter, type Teardown } from '../../helpers/undo.js';

const program = fileURLToPath(new URL('../../../../test/live/support/kafka-cluster.py', import.meta.url));

export interface KafkaMessage {
  readonly key: string;
  readonly headers: string;
  readonly value: string;
  readonly partition: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export class KafkaCluster {
  /** HOST:PORT of each broker; their ids count from 1. */
  readonly brokers: readonly string[];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, brokers: string[]) {
    this.#child = child;
    this.#lines = lines;
    this.brokers = brokers;
  }

  /** A topic that nobody has made has four partitions. */
  static async start(t: Teardown, brokers = 1): Promise<KafkaCluster> {
    const child = spawn('python3', [program, String(brokers)]);
    undoAfter(t, () => void child.kill('SIGKILL'));
    child.stderr.resume();
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const first = await Promise.race([
      lines.next(),
      once(child, 'error').then(([error]) => Promise.reject(error as Error)),
    ]);
    if (first.done === true) throw new Error(`kafka-cluster.py ended: is librdkafka1 there?`);
    return new KafkaCluster(child, lines, first.value.split(','));
  }

  /** Does a command of kafka-cluster.py. */
  async tell(...words: (string | number)[]): Promise<void> {
    this.#child.stdin.write(`${words.join(' ')}\n`);
    const { value = 'it ended' } = (await this.#lines.next()) as { value?: string };
    if (value !== 'ok') throw new Error(`kafka-cluster.py: ${words.join(' ')}: ${value}`);
  }

  messages(topic: string): Promise<KafkaMessage[]> {
    return kafkaMessages(this.brokers, topic);
  }
}

/** What is in a topic, the messages of a partition in its order. @param more arguments of kcat */
export async function kafkaMessages(
  brokers: readonly string[],
  topic: string,
  more: readonly string[] = [],
): Promise<KafkaMessage[]> {
  const format = '%p\\t%T\\t%k\\t%h\\t%s\\n';
  const args = ['-C', '-b', brokers.join(','), '-t', topic, '-o', 'beginning', '-e', '-q', '-f', format, ...more];
  const { stdout } = await run('kcat', args);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [partition, time, key = '', headers = '', ...value] = line.split('\t');
      return { partition: Number(partition), time: Number(time), key, headers, value: value.join('\t') };
    });
}
