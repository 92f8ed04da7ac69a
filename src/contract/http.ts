import { AdapterError } from './adapter.ts';
import type { Json } from './vocabulary.ts';

/*
 * What every adapter over HTTP needs to read an answer: its text by its charset, its JSON at a cost that is bounded, the pause
 * it asks for. What a status means is each adapter's own affair.
 */

type Effect = AdapterError['effect'];

/** An answer's JSON may hold this many values; more of them are `malformed`. */
const MOST_VALUES = 200_000;
/** Characters above which reading makes room for others between its steps. */
const LARGE = 256 * 1024;

/** How bytes say what text they are. */
export interface Encoded {
  /** The header Content-Type, for its `charset`. */
  readonly contentType?: string | null;
  /** True for XML, which may name its encoding in its first line. @default false */
  readonly xml?: boolean;
  /** What it means for the call that the text cannot be read. @default 'none' */
  readonly effect?: Effect;
  /**
   * True for a list: bytes that are no text of its charset become U+FFFD, and only the records that hold one are set aside
   * (`flawOf`). @default false
   */
  readonly lenient?: boolean;
}

/**
 * Bytes as text, without a byte order mark; see `decoderFor`.
 * @throws AdapterError malformed for a charset that is not known and, unless it is lenient, for bytes that are no text of theirs
 */
export function decodeText(bytes: Uint8Array, how: Encoded = {}): string {
  const decoder = decoderFor(bytes, how);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new AdapterError('malformed', how.effect ?? 'none', `the text holds bytes that are not ${decoder.encoding}`);
  }
}

/**
 * A decoder for a text that begins with these bytes; unless it is lenient, it throws for bytes that are no text of its charset. The first of these that
 * is there says which: a byte order mark, the `charset` of the content type, for XML its declaration (RFC 7303); otherwise UTF-8.
 * @throws AdapterError malformed for a charset that is not known
 */
export function decoderFor(beginning: Uint8Array, how: Encoded = {}): InstanceType<typeof TextDecoder> {
  const { contentType = null, xml = false, effect = 'none', lenient = false } = how;
  const charset = charsetOf(beginning, contentType ?? '', xml);
  try {
    return new TextDecoder(charset, { fatal: !lenient });
  } catch {
    throw new AdapterError('malformed', effect, `the text is in a charset that is not known (${charset.replaceAll(/[^\w.:-]/g, '?')})`);
  }
}

function charsetOf(bytes: Uint8Array, contentType: string, xml: boolean): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const stated = /;\s*charset\s*=\s*"?([^\s";,]{1,40})/i.exec(contentType.slice(0, 500))?.[1];
  if (stated !== undefined) return stated.toLowerCase();
  const declared = xml ? /^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'<>]{1,40})["']/i.exec(latin(bytes.subarray(0, 200)))?.[1] : undefined;
  // Who can read this far in single bytes has no UTF-16, whatever it says.
  return declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : declared.toLowerCase();
}

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** How an answer is read. */
export interface Reading {
  /** True for a list; see `Encoded`. @default false */
  readonly lenient?: boolean;
}

/**
 * The text of an answer, by its charset.
 * @throws AdapterError malformed
 */
export async function readText(response: Response, effect: Effect = 'none', { lenient = false }: Reading = {}): Promise<string> {
  const contentType = response.headers.get('content-type');
  const bytes = new Uint8Array(await response.arrayBuffer());
  return decodeText(bytes, { contentType, xml: /\bxml\b/i.test(contentType ?? ''), effect, lenient });
}

/**
 * A list in XML in which characters that XML does not have (a NUL, other controls) are U+FFFD, plain or as a reference: a parser would
 * refuse the whole document for the one record that holds them.
 */
export const legalXml = (text: string): string =>
  text
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\uFFFD')
    .replaceAll(/&#(?:0*(?:[0-8]|1[1245-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]));/gi, '\uFFFD')
    .toWellFormed();

/**
 * The JSON of an answer; null if it has no body. Whole numbers too long for a number come as texts: they are ids.
 * @throws AdapterError misconfigured if the content type says that it is something else, a page of a login or a proxy;
 *   malformed if it is cut off, no JSON, or holds more than 200,000 values
 */
export async function readJson(response: Response, effect: Effect = 'none', { lenient = false }: Reading = {}): Promise<Json> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length === 0) return null;
  const contentType = response.headers.get('content-type');
  if (isJson(response)) return parseJson(decodeText(bytes, { contentType, effect, lenient }), effect, { lenient });
  throw new AdapterError('misconfigured', effect, 'it answers a page instead of JSON: a login page or proxy in front?');
}

/** True if the content type is JSON or a kind of it, such as `application/problem+json`. */
export const isJson = (response: Response): boolean => /^application\/([\w.-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '');

/**
 * JSON from outside, as `readJson` reads it, in linear time; nobody else waits longer than one of its steps takes (decode, look through,
 * parse: each about 40 ms for the largest that is read). In a list, control characters that somebody wrote into a string as they are become
 * U+FFFD.
 * @throws AdapterError malformed
 */
export async function parseJson(text: string, effect: Effect = 'none', { lenient = false }: Reading = {}): Promise<Json> {
  const large = text.length > LARGE;
  if (large) await breathe();
  const written = large || /\d{16}/.test(text) ? prepare(text, effect) : text;
  if (large) await breathe();
  try {
    return JSON.parse(written) as Json;
  } catch {
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    if (lenient && /[\u0000-\u001f]/.test(written)) return parseJson(withoutControls(written), effect);
    throw new AdapterError('malformed', effect, 'the answer is cut off or is not JSON');
  }
}

/** Lets everybody else have a turn. Between the pieces of whatever is long. */
export const breathe = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const [QUOTE, BACKSLASH, COMMA, MINUS, ZERO, NINE, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x2d, 0x30, 0x39, 0x5b, 0x7b];

/** Counts values, and puts quotes around whole numbers that no number can hold. A reviver would do the latter at fifty times the cost. */
function prepare(text: string, effect: Effect): string {
  const pieces: string[] = [];
  let done = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA || code === BRACKET || code === BRACE) {
      if (++values > MOST_VALUES) throw new AdapterError('malformed', effect, `the answer holds more than ${MOST_VALUES} values`);
    } else if (code === MINUS || isDigit(code)) {
      const start = at;
      while (isDigit(text.charCodeAt(at + 1))) at++;
      if (at - start < 15 || /[.eE]/.test(text[at + 1] ?? '') || /[.eE+]/.test(text[start - 1] ?? '')) continue;
      const number = text.slice(start, at + 1);
      if (Number.isSafeInteger(Number(number)) || !/^-?[1-9]/.test(number)) continue;
      pieces.push(text.slice(done, start), `"${number}"`);
      done = at + 1;
    }
  }
  return done === 0 ? text : pieces.join('') + text.slice(done);
}

/** Strings without the control characters that JSON wants escaped. */
function withoutControls(text: string): string {
  const pieces: string[] = [];
  let done = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', done)) {
    const end = endOfString(text, at) + 1;
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    pieces.push(text.slice(done, at), text.slice(at, end).replaceAll(/[\u0000-\u001f]/g, '\uFFFD'));
    done = end;
  }
  return pieces.join('') + text.slice(done);
}

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

/** Where the string ends that begins at `start`: at its closing quote, or with the text. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}

/** What `Retry-After` asks for, in milliseconds: seconds or a date (RFC 9110, 10.2.3). Undefined if it asks for nothing that can be read. */
export function retryAfterMs(response: Response, now: Date): number | undefined {
  const text = response.headers.get('retry-after')?.trim();
  if (text === undefined || text === '') return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
