import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAddressCheck, guardedLookup } from '../../src/events/webhook-guard.ts';
import { createSigner, createWebhookSender, retryAfter } from '../../src/events/webhooks.ts';
import { caseEvent, hmacKey } from './kit.ts';

const outside = createAddressCheck({ privateNetworks: [], loopback: false });

describe('which addresses a webhook may have', () => {
  test.each([
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.1.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '168.63.129.16',
    '192.0.0.192',
    '192.31.196.1',
    '192.52.193.1',
    '192.88.99.1',
    '192.175.48.6',
    '198.18.0.1',
    '240.0.0.1',
    '2620:4f:8000::1',
    '2001::1', // Teredo
    '2001:2::1',
    '2001:20::1',
    '3fff::1',
    '5f00::1',
    '64:ff9b:1::7f00:1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '100::1',
    'fec0::1',
    'fd00:ec2::254',
  ])('not %s', (address) => {
    expect(outside(address)).toBe(false);
  });

  test.each(['1.1.1.1', '193.99.144.80', '2a02:2e0:3fe:1001:302::', '::ffff:1.1.1.1'])('%s', (address) => {
    expect(outside(address)).toBe(true);
  });

  test('a network that its file allows, and no other', () => {
    const check = createAddressCheck({ privateNetworks: ['10.20.0.0/16', 'fd00:1::/32'], loopback: false });
    expect(['10.20.0.1', '::ffff:10.20.3.4', 'fd00:1::5', '10.21.0.1', 'fd00:2::1', '127.0.0.1'].map(check)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test.each(['0.0.0.0/0', '::/0', '127.0.0.0/8', '169.254.0.0/16', '::/96', 'fc00::/7'])(
    'a file that allows %s opens neither the machine itself nor its metadata',
    (network) => {
      const check = createAddressCheck({ privateNetworks: [network], loopback: false });
      const closed = [
        '127.0.0.1',
        '::1',
        '::ffff:127.0.0.1',
        '0.0.0.0',
        '::',
        '169.254.169.254',
        '168.63.129.16',
        'fe80::1',
        'fd00:ec2::254',
      ];
      expect(closed.filter(check)).toEqual([]);
    },
  );

  test('no private IPv4 address in any way of writing it as IPv6', () => {
    fc.assert(
      fc.property(fc.constantFrom(10, 127, 0, 224, 255), fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), (first, rest) => {
        const [a, b, c, d] = [first, ...rest] as const;
        const hex = `::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        expect([`${a}.${b}.${c}.${d}`, `::ffff:${a}.${b}.${c}.${d}`, hex].map(outside)).toEqual([false, false, false]);
      }),
    );
  });

  test('a name is judged by where it leads', async () => {
    const answer = await new Promise<unknown>((resolve) => guardedLookup(outside)('localhost', { all: true }, (error) => resolve(error)));
    expect(answer).toMatchObject({ name: 'AddressRefused' });
  });

  test.each(['0x7f000001', '2130706433', '127.1', '0', '[::ffff:127.0.0.1]', '[::1]', 'localhost'])(
    'http://%s reaches nothing here',
    async (host) => {
      let asked = 0;
      const server = createServer((_, response) => {
        asked += 1;
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `https://${host}:${(server.address() as AddressInfo).port}/`;
      const webhook = { url: new URL(url).href, secrets: [hmacKey()], privateNetworks: [], timeoutMs: 2000 };
      const sender = createWebhookSender({ webhook, development: false, now: () => new Date() });
      const event = { ...caseEvent('051110000000'), seq: 1 };
      await expect(sender.send(event, new AbortController().signal)).rejects.toMatchObject({ failure: { class: 'ADDRESS_REFUSED' } });
      sender.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      expect(asked).toBe(0);
    },
  );
});

test('the signature of the example in the Standard Webhooks specification', () => {
  const sign = createSigner('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  expect(sign('msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test.each([
  ['120', 120_000],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 60_000],
  ['Thu, 01 Jan 1969 00:01:00 GMT', null],
  ['soon', null],
  ['', null],
  [undefined, null],
])('Retry-After: %s', (header, ms) => {
  expect(retryAfter(header, 0)).toBe(ms);
});
