// SPDX-License-Identifier: Apache-2.0

/** Says that a sender is at work. When its input ends it stops, and once nothing is under way it says what it has done. */
export function atInputEnd(timer: NodeJS.Timeout, pending: () => number, answer: () => string): void {
  console.log('sending');
  process.stdin.resume().once('end', () => {
    clearInterval(timer);
    setInterval(() => {
      if (pending() > 0) return;
      console.log(answer());
      process.exit(0);
    }, 1);
  });
}
