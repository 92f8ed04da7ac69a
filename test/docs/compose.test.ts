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
  readonly build?: { readonly target: string };
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

/** The file as Compose reads it, with these variables in `.env`. */
function composeWith(env: Readonly<Record<string, string>>) {
  const text = readDocument('docker-compose.yml').replaceAll(
    /\$\{(\w+):([-?])([^}]*)\}/g,
    (_, name: string, kind: string, otherwise: string) => {
      if (kind === '?' && !env[name]) throw new Error(`${name} ${otherwise}`);
      return env[name] || otherwise;
    },
  );
  return parse(text, { merge: true }) as {
    services: Record<string, Container>;
    volumes: Record<string, null>;
    networks: Record<string, object | null>;
  };
}

const passwords = { POSTGRES_PASSWORD: 'long-and-secret', REDIS_PASSWORD: 'long-and-secret-too' };
const given = { OIDC_ISSUER: 'https://login.example.de', ...passwords };
const { services, volumes, networks } = composeWith(given);
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
    expect(() => loadConfig(composeWith(passwords).services['hub']?.environment ?? {})).toThrow('OIDC_ISSUER is not set');
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
    expect(container('redis').command).toEqual(expect.arrayContaining(['--requirepass', cache.password]));
    expect(settings('redis')['REDISCLI_AUTH']).toBe(cache.password);
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

  test('store, cache and bus have no port outside, and a network with no way out of it', () => {
    for (const name of ['postgres', 'redis', 'kafka']) {
      expect(container(name).ports, name).toBeUndefined();
      expect(container(name).networks, name).toEqual(['inside']);
    }
    expect(networks['inside']).toEqual({ internal: true });
    expect(container('hub').networks).toEqual(['inside', 'outside']);
  });

  test.each(Object.keys(passwords))('there is no default for %s', (name) => {
    expect(() => composeWith({ ...given, [name]: '' })).toThrow(`${name} is not set`);
    expect(readDocument('docker-compose.yml')).not.toMatch(/password\S*:-/i);
  });

  test('every image is of one version', () => {
    const ours = ['staedtebund', 'staedtebund-sandbox'];
    const others = Object.values(services).flatMap(({ image }) => (ours.includes(image) ? [] : [image]));
    expect(
      [...others, /^FROM (\S+) AS base$/m.exec(readDocument('Dockerfile'))?.[1] ?? ''].filter((image) => !/:\d+\.\d+/.test(image)),
    ).toEqual([]);
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

  /** Lines of a target of the Dockerfile, without those it stands on. */
  const target = (name: string): string => new RegExp(`^FROM \\S+ AS ${name}$([^]*?)(?=^FROM |$(?![^]))`, 'm').exec(dockerfile)?.[1] ?? '';

  test('the hub that is built where no target is named holds nothing of the sandbox', () => {
    expect(dockerfile.lastIndexOf('\nFROM ')).toBe(dockerfile.indexOf('\nFROM base AS hub'));
    for (const name of ['base', 'hub']) expect(target(name)).not.toMatch(/^COPY .*(sandbox|cities)/m);
    expect(container('hub').build?.target).toBe('hub');
    expect(container('sandbox').build?.target).toBe('sandbox');
    const imports = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => /from '(\.\.\/)+sandbox\//.test(readFileSync(join(repository, 'src', name), 'utf8')));
    expect(imports).toEqual([]);
  });

  test.each(['hub', 'sandbox'])('%s starts with a file that is there', (name) => {
    const file = /^CMD \["node", "(.+)"\]$/m.exec(target(name))?.[1];
    expect(existsSync(join(repository, file ?? 'no file named'))).toBe(true);
  });
});
