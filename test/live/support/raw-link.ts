// SPDX-License-Identifier: Apache-2.0
// An interface as a wire: frames go in and come out as they are, whatever the host's own stack thinks of them.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { run, undoAfter, until, type Host } from '../../helpers/privileged.js';
import type { Segment, Side } from '../../helpers/tcp-script.js';
import type { Teardown } from '../../helpers/undo.js';
import { udp } from '../../kernel/support/frames.js';

const program = fileURLToPath(new URL('../../../../test/live/support/raw-link.py', import.meta.url));

export class RawLink {
  /** The interface's own address. */
  readonly mac: Uint8Array;
  /** What has come in, oldest first; whoever looks may empty it. */
  readonly frames: Buffer[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  #waiting = Buffer.alloc(0);

  private constructor(child: ChildProcessWithoutNullStreams, mac: Uint8Array) {
    this.#child = child;
    this.mac = mac;
    child.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  static async open(t: Teardown, { netns, device }: Host): Promise<RawLink> {
    const { stdout } = await run('ip', ['-n', netns, '-j', 'link', 'show', 'dev', device]);
    const mac = (JSON.parse(stdout) as { address: string }[])[0]?.address ?? '';
    const child = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', 'python3', program, device]);
    undoAfter(t, () => void child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdin.on('error', () => undefined);
    await until(() => said.includes('ready'), { message: () => `raw-link.py to be ready: ${said}` });
    return new RawLink(child, Uint8Array.from(mac.split(':').map((byte) => parseInt(byte, 16))));
  }

  /** Sends a frame to the other end of the wire, with the addresses of both. */
  send(frame: Uint8Array, to: RawLink | Uint8Array): void {
    const bytes = Buffer.alloc(2 + frame.length);
    bytes.writeUInt16BE(frame.length);
    bytes.set(frame, 2);
    bytes.set(to instanceof RawLink ? to.mac : to, 2);
    bytes.set(this.mac, 8);
    this.#child.stdin.write(bytes);
  }

  #take(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    for (;;) {
      const length = this.#waiting.length >= 2 ? this.#waiting.readUInt16BE(0) : Infinity;
      if (this.#waiting.length < 2 + length) return;
      this.frames.push(this.#waiting.subarray(2, 2 + length));
      this.#waiting = this.#waiting.subarray(2 + length);
    }
  }
}

let markers = 0;

/** Returns when all that was sent from one link has come out at the other, or never will. */
export async function settled(from: RawLink, to: RawLink): Promise<void> {
  const payload = `marker ${++markers}.`;
  from.send(udp({ src: '10.77.0.97', dst: '10.77.0.96', dport: 9, payload }), to);
  await until(() => to.frames.some((frame) => frame.includes(payload)), { interval: 1, message: payload });
}

/** Plays a connection between two links; what one side sends is through before the other side goes on. */
export async function play(links: Readonly<Record<Side, RawLink>>, segments: readonly Segment[]): Promise<void> {
  for (const [i, { from, frame }] of segments.entries()) {
    const to = links[from === 'client' ? 'server' : 'client'];
    links[from].send(frame, to);
    if (segments[i + 1]?.from !== from) await settled(links[from], to);
  }
}
