import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { loadCities } from '../../src/cities/load.ts';
import { complaintText } from '../../src/cities/load/complaint.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-events-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const load = async (more: object, development = false) => {
  const pvog = { product: 'pvog', config: { baseUrl: 'https://pvog.example', clientId: 'sample', services: ['99108001001000'] } };
  writeFileSync(
    join(folder, 'sample.yaml'),
    JSON.stringify({ ars: '051110000000', name: 'Sample', since: '2026-11-01', adapters: { offers: pvog }, ...more }),
  );
  const { cities, complaints } = await loadCities({
    folder,
    adapters,
    env: { KEY: key, SHORT: 'whsec_AAAA' },
    literalSecrets: development,
  });
  return { city: cities[0], told: complaints.map((complaint) => complaintText(complaint, 'EN').replace(/^\S+ /, '')) };
};
const webhook = (more: object = {}) => ({
  events: { deliver: 'webhook', url: 'https://city.example/events', secrets: [{ $env: 'KEY' }], ...more },
});

describe('events in a city’s file', () => {
  test('a webhook, with what it subscribes to and grants', async () => {
    const { city, told } = await load({
      ...webhook({ subscribe: [{ types: ['move.*'] }] }),
      grants: [{ to: '*', types: ['application.delivered'], services: ['99108001001000'] }],
    });
    expect(told).toEqual([]);
    expect(city?.city.events).toEqual({ deliver: 'webhook', concurrency: 4, subscribe: [{ types: ['move.*'], services: ['*'] }] });
    expect(city?.city.grants).toEqual([{ to: '*', types: ['application.delivered'], services: ['99108001001000'] }]);
    expect(city?.webhook).toEqual({ url: 'https://city.example/events', secrets: [key], privateNetworks: [], timeoutMs: 10_000 });
    expect(JSON.stringify(city?.city), 'what everyone may know of a city holds no key').not.toContain(key);
  });

  test.each([
    ['plain http', webhook({ url: 'http://city.example/' }), 'events.url', 'https://'],
    ['credentials in the address', webhook({ url: 'https://u:pw@city.example/' }), 'events.url', 'without credentials'],
    ['a key in clear text', webhook({ secrets: [key] }), 'events.secrets.0', 'clear text'],
    ['a key that is too short', webhook({ secrets: [{ $env: 'SHORT' }] }), 'events.secrets.0', '24 bytes'],
    ['a variable that is not set', webhook({ secrets: [{ $env: 'NONE' }] }), 'events.secrets.0', 'NONE'],
    ['a network that is none', webhook({ privateNetworks: ['10.0.0.0/99'] }), 'events.privateNetworks.0', '10.20.0.0/16'],
    ['no address', { events: { deliver: 'webhook', secrets: [{ $env: 'KEY' }] } }, 'events.url', 'missing'],
    ['an address where none is needed', { events: { deliver: 'kafka', url: 'https://city.example' } }, 'events.url', 'no meaning'],
    ['an adapter that is not there', { events: { deliver: 'adapter', adapter: 'ofers' } }, 'events.adapter', 'Did you mean “offers”?'],
    ['an adapter that takes none', { events: { deliver: 'adapter', adapter: 'offers' } }, 'events.adapter', 'takes no events'],
    ['another word', { events: { deliver: 'email' } }, 'events.deliver', 'webhook'],
    ['a type that is none', webhook({ subscribe: [{ types: ['Move'] }] }), 'events.subscribe.0.types.0', 'application.*'],
    ['a grant to nobody', { grants: [{ to: 'Köln', types: ['*'] }] }, 'grants.0.to', 'ARS'],
  ])('%s is refused, with place and remedy', async (_, more, place, words) => {
    const { city, told } = await load(more);
    expect(city).toBeUndefined();
    expect(told.join('\n')).toContain(place);
    expect(told.join('\n')).toContain(words);
    expect(told.join('\n')).not.toContain('u:pw');
    expect(told.join('\n')).not.toContain(key);
  });

  test('in development, plain http and keys in clear text pass', async () => {
    const { city, told } = await load(webhook({ url: 'http://127.0.0.1:9/', secrets: [key] }), true);
    expect(told).toEqual([]);
    expect(city?.webhook?.secrets).toEqual([key]);
  });
});
