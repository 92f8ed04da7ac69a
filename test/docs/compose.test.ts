import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';
import { repository, readDocument } from './sandbox.ts';

interface Container {
  readonly build?: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

/** The file as Compose reads it, with these variables in `.env`. */
function composeWith(env: Readonly<Record<string, string>>) {
  const text = readDocument('docker-compose.yml').replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, otherwise: string) => env[name] || otherwise,
  );
  return parse(text, { merge: true }) as { services: Record<string, Container>; volumes: Record<string, null> };
}

const given = { OIDC_ISSUER: 'https://login.example.de', POSTGRES_PASSWORD: 'long-and-secret' };
const { services, volumes } = composeWith(given);
const container = (name: string): Container => {
  const found = services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const settings = (name: string) => container(name).environment ?? {};

describe('docker-compose.yml', () => {
  test.each(['hub', 'sandbox'])('%s knows every variable it is given', (name) => {
    const known = [...readDocument('src/config.ts').matchAll(/^ {2}([A-Z_]+): /gm)].map((match) => match[1]);
    expect(known).toContain('STORE_URL');
    expect(Object.keys(settings(name)).filter((variable) => variable !== 'NODE_ENV' && !known.includes(variable))).toEqual([]);
  });

  test('the hub starts with an issuer in .env, and says what is missing without', () => {
    const config = loadConfig(settings('hub'));
    expect(config).toMatchObject({ host: '0.0.0.0', port: 4000, oidc: { issuer: given.OIDC_ISSUER, audience: 'staedtebund' } });
    expect(() => loadConfig(composeWith({}).services['hub']?.environment ?? {})).toThrow('OIDC_ISSUER is not set');
  });

  test.each(['hub', 'sandbox'])('%s reaches store, cache and bus under the names and ports they have', (name) => {
    const config = loadConfig({ OIDC_ISSUER: 'http://127.0.0.1:4001', OIDC_AUDIENCE: 'staedtebund', ...settings(name) });
    const [store, cache] = [new URL(config.storeUrl), new URL(config.cacheUrl)];
    const postgres = settings('postgres');
    expect(`${store.hostname}:${store.port}`).toBe('postgres:5432');
    expect(store.username).toBe(postgres['POSTGRES_USER']);
    expect(store.password).toBe(postgres['POSTGRES_PASSWORD']);
    expect(store.pathname).toBe(`/${postgres['POSTGRES_DB']}`);
    expect(`${cache.hostname}:${cache.port}`).toBe('redis:6379');
    const kafka = parseKafkaUrl(config.busUrl);
    expect(settings('kafka')['KAFKA_ADVERTISED_LISTENERS']).toContain(`INSIDE://${kafka.brokers[0]}`);
    expect(kafka).toMatchObject({ replicationFactor: 1, minInsyncReplicas: 1 });
    expect(Object.keys(container(name).depends_on ?? {})).toEqual(['postgres', 'redis', 'kafka']);
  });

  test('every listener of Kafka has a protocol, and each that is advertised is listened on', () => {
    const kafka = settings('kafka');
    const names = (variable: string, split: RegExp) => (kafka[variable] ?? '').split(',').map((part) => part.split(split)[0] ?? '');
    const listeners = names('KAFKA_LISTENERS', /:/);
    expect(names('KAFKA_LISTENER_SECURITY_PROTOCOL_MAP', /:/).toSorted()).toEqual(listeners.toSorted());
    expect(listeners).toEqual(expect.arrayContaining(names('KAFKA_ADVERTISED_LISTENERS', /:/)));
    expect(listeners).toContain(kafka['KAFKA_INTER_BROKER_LISTENER_NAME']);
    expect(listeners).toContain(kafka['KAFKA_CONTROLLER_LISTENER_NAMES']);
  });

  test('what others wait for can say that it is well, and every volume is declared', () => {
    for (const { depends_on: awaited = {} } of Object.values(services))
      for (const name of Object.keys(awaited)) expect(container(name).healthcheck, `${name} needs a healthcheck`).toBeDefined();
    const named = Object.values(services).flatMap((one) => (one.volumes ?? []).map((volume) => volume.split(':')[0] ?? ''));
    expect(named.filter((name) => !name.startsWith('.')).toSorted()).toEqual(Object.keys(volumes).toSorted());
  });

  test('nothing is reachable from another machine', () => {
    const open = Object.values(services).flatMap((one) => one.ports ?? []);
    expect(open.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });
});

describe('the image', () => {
  const dockerfile = readDocument('Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap((match) => (match[1] ?? '').split(' '));

  test('everything it copies is there and not kept out by .dockerignore', () => {
    const allowed = readDocument('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(copied.filter((name) => !existsSync(join(repository, name)))).toEqual([]);
    expect(copied.toSorted()).toEqual(allowed.toSorted());
  });

  test('it holds all that the hub and the sandbox import, and none of it is a development dependency', () => {
    const { dependencies } = JSON.parse(readDocument('package.json')) as { dependencies: Record<string, string> };
    const files = ['src', 'adapters', 'sandbox'].flatMap((top) =>
      readdirSync(join(repository, top), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !/\.(d|test)\.ts$/.test(name))
        .map((name) => join(top, name)),
    );
    const packages = files.flatMap((file) => {
      const { module } = parseSync(file, readFileSync(join(repository, file), 'utf8'));
      // What is imported for its types alone is gone before the process starts.
      const loaded = module.staticImports.filter(({ entries }) => entries.length === 0 || entries.some((entry) => !entry.isType));
      return loaded
        .map((entry) => entry.moduleRequest.value)
        .filter((name) => !name.startsWith('.') && name !== '#contract' && !isBuiltin(name))
        .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
    });
    expect(packages).toContain('graphql-yoga');
    expect([...new Set(packages)].filter((name) => !dependencies[name])).toEqual([]);
  });

  test.each([
    ['CMD', /^CMD \["node", "(.+)"\]$/m.exec(dockerfile)?.[1]],
    ['sandbox', container('sandbox').command?.[1]],
  ])('%s names a file that is there', (_, file) => {
    expect(existsSync(join(repository, file ?? 'no file named'))).toBe(true);
  });
});
