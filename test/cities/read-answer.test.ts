import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readAnswer, unpacked } from '../../src/cities/read-answer.ts';

const headers = { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'], link: ['<1>', '<2>'] };
const one = (status = 200, body = '{"a":"ä"}') => readAnswer('http://127.0.0.1/x', status, headers, Buffer.from(body));

describe('an answer that was read is a Response', () => {
  test('to whoever looks at it', async () => {
    const answer = one();
    expect(answer).toBeInstanceOf(Response);
    expect([answer.status, answer.ok, answer.url, answer.redirected, answer.bodyUsed]).toEqual([
      200,
      true,
      'http://127.0.0.1/x',
      false,
      false,
    ]);
    expect(answer.headers.get('Content-Type')).toBe('application/json');
    expect(answer.headers.get('link')).toBe('<1>, <2>');
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(one(404).ok).toBe(false);
  });

  test('its headers are Headers, looked at and changed', () => {
    const { headers: own } = one();
    expect(own).toBeInstanceOf(Headers);
    expect([own.has('LINK'), own.has('etag'), own.get('etag')]).toEqual([true, false, null]);
    expect([...own].map(([name]) => name)).toEqual(['content-type', 'link', 'set-cookie', 'set-cookie']);
    expect([...own.keys()]).toHaveLength(4);
    own.set('etag', '"1"');
    own.delete('link');
    expect([own.get('etag'), own.has('link')]).toEqual(['"1"', false]);
    expect(new Headers(own).get('etag')).toBe('"1"');
    expect(new Response(null, { headers: one().headers }).headers.get('content-type')).toBe('application/json');
  });

  test('read in every way', async () => {
    const bytes = new TextEncoder().encode('{"a":"ä"}');
    expect(await one().text()).toBe('{"a":"ä"}');
    expect(await one().json()).toEqual({ a: 'ä' });
    expect(await one().bytes()).toEqual(bytes);
    expect(new Uint8Array(await one().arrayBuffer())).toEqual(bytes);
    expect((await one().blob()).type).toBe('application/json');
    expect(await new Response(one().body).text()).toBe('{"a":"ä"}');
    expect(await one(200, '\uFEFF{}').text()).toBe('{}');
  });

  test('once, unless it was cloned', async () => {
    const answer = one();
    const copy = answer.clone();
    await answer.text();
    expect(answer.bodyUsed).toBe(true);
    await expect(answer.text()).rejects.toThrow(TypeError);
    await expect(answer.json()).rejects.toThrow(TypeError);
    expect(() => answer.clone()).toThrow(TypeError);
    expect(await copy.text()).toBe('{"a":"ä"}');
  });

  test.each([204, 205, 304])('%i has no body', async (status) => {
    expect(one(status).body).toBeNull();
    expect(await one(status).text()).toBe('');
  });
});

describe('what a server packed although nobody asked', () => {
  const text = Buffer.from('x'.repeat(1000));
  test.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', text],
    [undefined, text],
  ])('%s is unpacked', (encoding, bytes) => expect(unpacked(bytes, encoding, 1000)).toEqual(text));

  test.each([
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
  ])('%s is refused above its limit', (encoding, bytes) => expect(() => unpacked(bytes, encoding, 999)).toThrow(RangeError));
});
