import { execFile } from 'node:child_process';
import type { Json } from '#contract';
import { HubError } from '#contract';
import type { Action } from './samples.ts';

/** Where actions run and what `${NAME}` in them stands for. */
export interface Surroundings {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const PATIENCE_MS = 30_000;

/**
 * Does what the samples say and resolves to what it printed or answered, or null if `at` leads nowhere. Placeholders reach a
 * command as variables of its environment and quoted in its text, so that no value of a back office becomes a command.
 * @throws HubError CONFIG_INVALID if the action itself does not work
 */
export async function perform(
  action: Action,
  placeholders: Readonly<Record<string, string>>,
  { folder, env }: Surroundings,
): Promise<Json> {
  if ('run' in action) return runCommand(fill(action.run, placeholders, quoted), placeholders, { folder, env });
  const { method, url, headers, body, at } = action.http;
  const address = variables(fill(url, placeholders, encodeURIComponent), env);
  const filledHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, variables(fill(value, placeholders), env)]),
  );
  const content = body === undefined ? undefined : JSON.stringify(mapTexts(body, (text) => fill(text, placeholders)));
  const answer = await fetch(address, {
    method,
    headers: { ...(content === undefined ? {} : { 'content-type': 'application/json' }), ...filledHeaders },
    ...(content === undefined ? {} : { body: content }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch((error: unknown) => {
    throw new HubError('CONFIG_INVALID', {
      de: `${method} ${url} aus den Samples ließ sich nicht senden: ${reason(error)}`,
      en: `${method} ${url} of the samples could not be sent: ${reason(error)}`,
    });
  });
  const text = await answer.text();
  if (!answer.ok)
    throw new HubError('CONFIG_INVALID', {
      de: `${method} ${url} aus den Samples wurde mit ${answer.status} beantwortet`,
      en: `${method} ${url} of the samples was answered ${answer.status}`,
    });
  if (at === undefined) return text;
  try {
    return valueAt(JSON.parse(text) as Json, fill(at, placeholders, pointerPart));
  } catch {
    throw new HubError('CONFIG_INVALID', {
      de: `${method} ${url} aus den Samples wird nicht mit JSON beantwortet`,
      en: `${method} ${url} of the samples is not answered with JSON`,
    });
  }
}

/** The number an action leads to; where its pointer leads nowhere there is none of it. */
export async function count(action: Action, placeholders: Readonly<Record<string, string>>, surroundings: Surroundings): Promise<number> {
  const found = await perform(action, placeholders, surroundings);
  const number = found === null ? 0 : Array.isArray(found) ? found.length : Number(typeof found === 'string' ? found.trim() : found);
  if (!Number.isFinite(number))
    throw new HubError('CONFIG_INVALID', {
      de: 'eine Aktion der Samples, die zählt, muss zu einer Zahl oder einer Liste führen',
      en: 'an action of the samples that counts must lead to a number or a list',
    });
  return number;
}

function runCommand(command: string, placeholders: Readonly<Record<string, string>>, { folder, env }: Surroundings): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      '/bin/sh',
      ['-c', command],
      { cwd: folder, env: { ...env, ...placeholders }, timeout: PATIENCE_MS },
      (error, stdout, stderr) => {
        if (error)
          reject(
            new HubError('CONFIG_INVALID', {
              de: `der Befehl „${command}“ aus den Samples ist fehlgeschlagen: ${(stderr || error.message).trim().slice(0, 300)}`,
              en: `the command “${command}” of the samples failed: ${(stderr || error.message).trim().slice(0, 300)}`,
            }),
          );
        else resolve(stdout);
      },
    );
  });
}

/** One argument, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const pointerPart = (text: string): string => text.replaceAll('~', '~0').replaceAll('/', '~1');

const fill = (text: string, placeholders: Readonly<Record<string, string>>, as: (value: string) => string = String): string =>
  text.replaceAll(/(?<!\$)\{(\w+)\}/g, (whole, name: string) => (name in placeholders ? as(placeholders[name] ?? '') : whole));

function variables(text: string, env: Surroundings['env']): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new HubError('CONFIG_INVALID', {
        de: `die Samples nennen die Variable ${name}; sie ist nicht gesetzt`,
        en: `the samples name the variable ${name}, which is not set`,
      });
    return value;
  });
}

const mapTexts = (value: Json, map: (text: string) => string): Json =>
  typeof value === 'string'
    ? map(value)
    : Array.isArray(value)
      ? value.map((item: Json) => mapTexts(item, map))
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, map)]))
        : value;

/** RFC 6901; null if it leads nowhere. */
const valueAt = (value: Json, pointer: string): Json =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<Json>(
      (place, name) =>
        place !== null && typeof place === 'object' && Object.hasOwn(place, name) ? ((place as Record<string, Json>)[name] ?? null) : null,
      value,
    );

const reason = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.name : 'unknown';
};
