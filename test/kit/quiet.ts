import { performance } from 'node:perf_hooks';

/*
 * How slow the machine is at the moment: CPU that a fixed computation takes now, over what it takes on a quiet machine of the kind that the
 * experiments are recorded on. A slow or a busy machine stretches it as it stretches what is measured beside it.
 */

/** What it takes there, in milliseconds: test/experiments/RESULTS.md says how it was measured. */
const quietReferenceMs = 11.2;

const text = JSON.stringify(
  Array.from({ length: 20_000 }, (_, index) => ({ index, name: `name ${index}`, codes: [index, index + 1], more: { a: null, b: true } })),
);

/** CPU of parsing and writing two megabytes of JSON, in milliseconds: the second least of five. */
export function referenceMs(): number {
  const samples = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    JSON.stringify(JSON.parse(text));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return samples.toSorted((a, b) => a - b)[1] as number;
}

let slowness = 1;
let measuredAt = -Infinity;

/** 1 on a quiet machine, more on another; measured every three seconds at most. */
export function calibrate(): number {
  if (performance.now() - measuredAt < 3000) return slowness;
  slowness = Math.max(1, referenceMs() / quietReferenceMs);
  measuredAt = performance.now();
  return slowness;
}
