import { afterAll, beforeAll, expect, test } from 'vitest';
import { duesseldorf, neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { misfits } from '../kit/limits.ts';
import { calibrate } from '../kit/quiet.ts';
import { priceOf } from '../kit/worst.ts';

let hub: TestHub;
beforeAll(async () => {
  const away = 'http://127.0.0.1:9';
  hub = await startTestHub({
    cities: { duesseldorf: duesseldorf({ baseUrl: away, apiKey: 'x' }), neuss: neuss({ baseUrl: away, secret: 'x' }) },
    gateway: { rateLimit: null },
  });
});
afterAll(() => hub.close());

const aliases = (make: (index: number) => string) =>
  `{ ${Array.from({ length: 28 }, (_, index) => `a${index}: ${make(index)}`).join(' ')} }`;

// Each was once the worst that was known; `npm run experiment:worst` looks for others.
test.each([
  ['one word of 400 letters', `{ services(search: "${'hundesteueranmeldung'.repeat(20)}") { totalCount } }`],
  ['many searches', aliases((index) => `services(search: "hundesteuer anmelden x${index}") { totalCount }`)],
  ['misspelt towns', aliases((index) => `municipalities(search: "frnkfurtt haupstadt bergisch gladbachh ${index}") { totalCount }`)],
  [
    'a search in every municipality',
    `{ municipalities(first: 100) { nodes ${aliases((index) => `offers(search: "x${index}") { totalCount }`)} } }`,
  ],
  ['who is connected', aliases((index) => `municipalities(connected: true, first: ${index + 1}) { totalCount }`)],
  ['a federal state', aliases((index) => `municipalities(federalState: "Bayern", first: ${index + 1}) { totalCount }`)],
  ['life situations', aliases((index) => `services(lifeSituation: "Umzug ${index}") { totalCount }`)],
  ['every form', `{ municipality(ars: "051110000000") { offers(first: 100) { nodes ${aliases(() => 'form { schema }')} } } }`],
  [
    'one offer many times in every municipality',
    `{ municipalities(first: 100) { nodes { ${Array.from({ length: 28 }, (_, index) => `a${index}: offer(service: "99108001001000") { id name }`).join(' ')} } } }`,
  ],
  ['the schema as text', aliases(() => '_service { sdl }')],
])('%s cost no more than 50 ms of a quiet machine and 1 MB', async (_, query) => {
  await priceOf(hub.url, { query });
  const { cpuMs, bytes } = await priceOf(hub.url, { query }, 7);
  expect(cpuMs / calibrate()).toBeLessThan(50);
  expect(bytes).toBeLessThanOrEqual(1_000_000);
});

test('each limit can be taken away as a control', () => {
  expect(misfits()).toEqual([]);
});
