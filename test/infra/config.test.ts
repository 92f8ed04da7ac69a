import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HubError } from '#contract';
import { loadConfig, type Config } from '../../src/config.ts';
import { readDocument } from '../docs/sandbox.ts';

const needed = { OIDC_ISSUER: 'https://login.example.de', OIDC_AUDIENCE: 'staedtebund' };

/** Every variable that the configuration reads. */
const variables = [...readDocument('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name!);

/** The configuration or the error it was refused with; anything else is thrown on. */
function attempt(env: Record<string, string | undefined>): Config | HubError {
  try {
    return loadConfig(env);
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
}

const complaint = (env: Record<string, string | undefined>): string => {
  const outcome = attempt(env);
  return outcome instanceof HubError ? outcome.message : 'no complaint';
};

describe('the configuration', () => {
  test('needs only the issuer and the audience of its tokens', () => {
    expect(loadConfig(needed)).toEqual({
      storeUrl: 'sqlite:./data/hub.db',
      busUrl: 'embedded:',
      cacheUrl: 'memory:',
      port: 4000,
      host: '127.0.0.1',
      citiesDir: './cities',
      subgraphsDir: './subgraphs',
      oidc: { issuer: 'https://login.example.de', audience: 'staedtebund', jwksUrl: null },
      logLevel: 'info',
      bodyLimitBytes: 262_144,
      publicUrl: null,
      behindProxy: false,
      persisted: { file: null, only: false },
      claimsKey: null,
      factsKey: null,
      graphiql: true,
      operationsToken: null,
      shutdownGraceMs: 10_000,
    });
  });

  test('complains about everything at once, with what was found and what is expected', () => {
    const text = complaint({ PORT: 'http', LOG_LEVEL: 'loud', OIDC_AUDIENCE: ' ' });
    expect(text).toContain('PORT is "http": expected a whole number from 0 to 65535');
    expect(text).toContain('LOG_LEVEL is "loud": expected debug, info, warn, error or silent');
    expect(text).toContain('OIDC_ISSUER is not set: expected the URL of the issuer');
    expect(text).toContain("OIDC_AUDIENCE is not set: expected the hub's name");
    expect(text).toContain('(4 of 21 variables)');
  });

  test('complains in German as in English, and no expectation is left without', () => {
    const wrong = Object.fromEntries(variables.map((name) => [name, '?']));
    const outcome = attempt({ ...wrong, OIDC_AUDIENCE: '' });
    const { de = '', en = '' } = outcome instanceof HubError ? outcome.said : {};
    expect(de).toContain('PORT ist "?": erwartet wird eine ganze Zahl von 0 bis 65535');
    expect(de).toContain('STORE_URL ist gesetzt, aber nicht wie erwartet: erwartet wird sqlite:<Pfad einer Datei> oder ');
    expect(de).toContain('OIDC_AUDIENCE ist nicht gesetzt: erwartet wird der Name des Hubs');
    const expectations = (text: string, word: string) => text.split('\n').flatMap((line) => line.split(word)[1] ?? []);
    const [german, english] = [expectations(de, ': erwartet wird '), expectations(en, ': expected ')];
    expect(german).toHaveLength(english.length);
    expect(english.length).toBeGreaterThan(12);
    expect(german.filter((text) => english.includes(text))).toEqual([]);
  });

  test('never repeats a URL, which may hold a password', () => {
    const secret = 'correct-horse-battery';
    for (const name of ['STORE_URL', 'BUS_URL', 'CACHE_URL', 'OIDC_JWKS_URL', 'PUBLIC_URL']) {
      const text = complaint({ ...needed, [name]: `mysql://root:${secret}@db/x` });
      expect(text).toContain(`${name} is set, but not as expected: expected `);
      expect(text).not.toContain(secret);
    }
  });

  test('any environment gives a configuration or one error that names its variables', () => {
    const names = [
      'STORE_URL',
      'BUS_URL',
      'CACHE_URL',
      'PORT',
      'HOST',
      'CITIES_DIR',
      'LOG_LEVEL',
      'BODY_LIMIT_BYTES',
      'PUBLIC_URL',
      'PERSISTED_ONLY',
      'SHUTDOWN_GRACE_MS',
    ];
    const value = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.constantFrom('', '0', '-1', '1e3', '٣', ' 80 ', 'sqlite:x', 'kafka://a:1'),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (env) => {
        const outcome = attempt({ ...needed, ...env });
        expect(
          outcome instanceof HubError
            ? outcome.code === 'CONFIG_INVALID' && names.some((name) => outcome.message.includes(`${name} is `))
            : outcome.port <= 65_535 && Number.isInteger(outcome.port) && outcome.bodyLimitBytes >= 1024,
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('numbers survive being written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
        expect(loadConfig({ ...needed, PORT: String(port) }).port).toBe(port);
      }),
    );
  });

  test('what it does not know is left alone', () => {
    expect(loadConfig({ ...needed, PATH: '/bin', STORE_URL_OLD: 'x' })).toEqual(loadConfig(needed));
  });
});
