import { expect, test } from 'vitest';
import { isAlike } from './differential.ts';

const answer = (data: unknown, ...paths: readonly (string | number)[][]) => ({
  status: 200,
  body: JSON.stringify({ ...(paths.length > 0 && { errors: paths.map((path) => ({ message: 'no', path })) }), data }),
});

test.each([
  ['the same', answer({ a: 1 }), answer({ a: 1 }), true],
  ['another value', answer({ a: 1 }), answer({ a: 2 }), false],
  ['another order of keys', answer({ a: 1, b: 2 }), answer({ b: 2, a: 1 }), false],
  ['another status', answer({ a: 1 }), { ...answer({ a: 1 }), status: 400 }, false],
  ['another place of a list that became null', answer({ a: null }, ['a', 0, 'b']), answer({ a: null }, ['a', 1, 'b']), true],
  ['another field below what became null', answer({ a: null }, ['a', 0, 'b']), answer({ a: null }, ['a', 0, 'c']), false],
  [
    'another place of a list that is there',
    answer({ a: [{ b: null }, { b: null }] }, ['a', 0, 'b']),
    answer({ a: [{ b: null }, { b: null }] }, ['a', 1, 'b']),
    false,
  ],
  ['an error more', answer({ a: null }, ['a', 0, 'b']), answer({ a: null }, ['a', 0, 'b'], ['a', 1, 'b']), false],
])('%s', (_, one, other, alike) => {
  expect(isAlike(one, other)).toBe(alike);
});
