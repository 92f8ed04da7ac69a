import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEvents } from '../../src/federation/read-events.ts';

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
const read = (text: string | Buffer, sizes = [7], most = 1_000_000): Promise<unknown[]> =>
  Array.fromAsync(readEvents(inPieces(Buffer.from(text as string), sizes), most));
const event = (value: unknown, end = '\n') => `event: next${end}data: ${JSON.stringify(value)}${end}${end}`;

test('results of a stream are the same in whatever pieces they come', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  const end = fc.constantFrom('\n', '\r\n');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 5 }), sizes, end, async (values, cut, eol) => {
      const text = `${eol}: a comment${eol}${eol}${values.map((value) => event(value, eol)).join('')}event: complete${eol}${eol}${event('late', eol)}`;
      expect(await read(text, cut)).toEqual(JSON.parse(JSON.stringify(values)));
    }),
  );
});

test('data of several lines are one result; other events are passed over', async () => {
  expect(await read('event: ping\ndata: x\n\nevent: next\ndata: {"a":\ndata: 1}\n\n')).toEqual([{ a: 1 }]);
});

test('an event that is too long, without JSON or of another charset ends the stream', async () => {
  await expect(read(event('x'.repeat(2000)), [7], 1000)).rejects.toThrow('too long');
  await expect(read('\n'.repeat(3000) + event('x'.repeat(500)), [7], 1000)).resolves.toHaveLength(1);
  await expect(read(`data: ${'x\ndata: '.repeat(300)}`, [7], 1000)).rejects.toThrow('too long');
  await expect(read('event: next\ndata: {\n\n')).rejects.toThrow(SyntaxError);
  await expect(read(Buffer.from(event('Käse'), 'latin1'))).rejects.toThrow(TypeError);
});

// By the square of its length it would take minutes, and half a minute for half of it.
test('an event in tiny pieces costs what its length costs', async () => {
  await expect(read(event('x'.repeat(8_000_000)), [50], 8_200_000)).resolves.toHaveLength(1);
});
