import type { Consumer } from 'kafkajs';
import { expect, test } from 'vitest';
import { createPlaces } from '../../src/infra/bus/kafka-places.ts';

/** A consumer's side of commits, which fails as often as it is told; real groups are in bus.test.ts. */
function committing(failures: number) {
  const commits: string[] = [];
  let left = failures;
  const consumer = {
    commitOffsets: async (places: readonly { topic: string; partition: number; offset: string }[]) => {
      left -= 1;
      if (left >= 0) throw new Error('coordinator away');
      commits.push(places.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`).join(' '));
    },
  } as unknown as Consumer;
  return { places: createPlaces(consumer), commits };
}

test('places go together, the last of each partition, and closing commits what is left', async () => {
  const { places, commits } = committing(0);
  places.begin({ t: [0, 1] });
  places.note('t', 0, 5);
  places.note('t', 1, 7);
  places.note('t', 0, 6);
  await places.close();
  expect(commits).toEqual(['t/0@6 t/1@7']);
});

test('a commit that fails goes again, even if nothing comes any more', async () => {
  const { places, commits } = committing(2);
  places.begin({ t: [0] });
  places.note('t', 0, 5);
  await expect.poll(() => commits, { timeout: 10_000 }).toEqual(['t/0@5']);
  await places.close();
});

test('another`s partition is never committed, nor what was noted before the group was shared out anew', async () => {
  const { places, commits } = committing(0);
  places.begin({ t: [0] });
  places.note('t', 0, 5);
  places.begin({ t: [1] });
  places.note('t', 0, 9);
  await places.close();
  expect(commits).toEqual([]);
});
