import jsonata from 'jsonata';
import { RE2JS } from 're2js';
import { AdapterError, type Json } from '#contract';

/*
 * JSONata expressions of a city's file. They see the document they are given and nothing else: the language has no way to the
 * host. What they may cost is bounded: time, depth, length of sequences, size of the result; regular expressions are matched in
 * linear time. What gives another result each time is refused, because a body that is sent again must be the same.
 */
const LIMITS = { timeout: 250, stack: 200, sequence: 20_000 };
const MOST_SOURCE = 4_000;
const MOST_RESULT = 4 * 1024 * 1024;
const MOST_PADDING = 1_000;
const MOST_MATCHED = 10_000;
/** Of a regular expression, as it is compiled: each may be looked at for each character. */
const MOST_INSTRUCTIONS = 500;
/** JSONata's codes for $error(text) and $assert(condition, text). */
const STATED: ReadonlySet<unknown> = new Set(['D3137', 'D3141']);

/** A compiled expression. @throws AdapterError malformed if it fails or grows too large, in words that never quote the document; what $error(text) says is in `fields`. */
export type Expression = (document: Json) => Promise<Json | undefined>;

/** What is wrong with an expression, or null; positions count from 1. */
export function expressionProblem(source: string): string | null {
  if (source.length > MOST_SOURCE) return `an expression of at most ${MOST_SOURCE} characters`;
  const unsteady = /\$(eval|now|millis|random|shuffle)\b/.exec(source)?.[0];
  if (unsteady) return `an expression without ${unsteady}: the same document must give the same result`;
  try {
    const patterns = patternsIn(jsonata(source).ast());
    const wild = patterns.find((pattern) => linear(pattern) === null);
    return wild ? `a simpler regular expression than ${wild}: nothing that looks ahead, behind or back, few and small repetitions` : null;
  } catch (error) {
    const { message, position } = error as { message?: string; position?: number };
    const place = position === undefined ? '' : ` (line ${lineOf(source, position)}, character ${position})`;
    return `a JSONata expression; this one does not parse: ${message ?? 'unknown'}${place}`;
  }
}

const lineOf = (source: string, position: number): number => source.slice(0, position).split('\n').length;

/** Compiles an expression that has no problem. */
export function compile(source: string): Expression {
  const expression = jsonata(source, { ...LIMITS, RegexEngine: LinearPattern as unknown as RegExpConstructor });
  expression.registerFunction('pad', pad, '<s-n?s?:s>');
  return async (document) => {
    let result: unknown;
    try {
      result = await expression.evaluate(document);
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      throw new AdapterError(
        'malformed',
        'none',
        `an expression of the config fails on this document (${typeof code === 'string' ? code : 'no code'})`,
        // What the city's own $error says is for people.
        {
          evidence: source.slice(0, 120),
          ...(STATED.has(code) && typeof message === 'string' ? { fields: { '': message.slice(0, 300) } } : {}),
        },
      );
    }
    if (result === undefined) return undefined;
    measure(result, { left: MOST_RESULT });
    // Sequences carry marks of the library; JSON has none.
    return JSON.parse(JSON.stringify(result) ?? 'null') as Json;
  };
}

/** The pattern for an engine that does not go back and forth over a text; null where that cannot match it, or not cheaply. */
function linear(pattern: RegExp): RE2JS | null {
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return compiled.programSize() <= MOST_INSTRUCTIONS ? compiled : null;
  } catch {
    return null;
  }
}

/** What JSONata uses of a regular expression. */
class LinearPattern {
  lastIndex = 0;
  readonly #pattern: RE2JS;
  constructor(pattern: RegExp) {
    // What cannot be matched like this was refused when the config was read.
    this.#pattern = linear(pattern)!;
  }

  exec(text: string): { readonly [group: number]: string; readonly index: number; readonly length: number } | null {
    if (text.length > MOST_MATCHED) throw Object.assign(new Error('too long'), { code: 'TEXT_TOO_LONG' });
    const matcher = this.#pattern.matcher(text);
    if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) {
      this.lastIndex = 0;
      return null;
    }
    this.lastIndex = matcher.end();
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? undefined) as string[];
    return Object.assign(groups, { index: matcher.start() });
  }
}

function pad(text: string, width: number, filler = ' '): string {
  if (Math.abs(width) > MOST_PADDING) throw Object.assign(new Error('too wide'), { code: 'PADDING_TOO_WIDE' });
  return width < 0 ? text.padStart(-width, filler) : text.padEnd(width, filler);
}

function measure(value: unknown, budget: { left: number }): void {
  budget.left -= typeof value === 'string' ? value.length : 8;
  if (budget.left < 0) throw new AdapterError('malformed', 'none', `an expression of the config makes more than ${MOST_RESULT} characters`);
  if (typeof value === 'function') throw new AdapterError('malformed', 'none', 'an expression of the config gives a function');
  if (value !== null && typeof value === 'object')
    for (const item of Array.isArray(value) ? value : Object.values(value)) measure(item, budget);
}

function patternsIn(node: unknown, seen = new Set<unknown>()): RegExp[] {
  if (node instanceof RegExp) return [node];
  if (node === null || typeof node !== 'object' || seen.has(node)) return [];
  seen.add(node);
  return Object.values(node).flatMap((child) => patternsIn(child, seen));
}
