import jsonata from 'jsonata';
import { AdapterError, type Json } from '#contract';

/*
 * JSONata expressions of a city's file. They see the document they are given and nothing else: the language has no way to the
 * host. What they may cost is bounded: time, depth, length of sequences, size of the result, and regular expressions to those
 * that cannot run away. What gives another result each time is refused, because a body that is sent again must be the same.
 */
const LIMITS = { timeout: 250, stack: 200, sequence: 20_000 };
const MOST_SOURCE = 4_000;
const MOST_RESULT = 4 * 1024 * 1024;
const MOST_PADDING = 1_000;
const MOST_MATCHED = 2_000;
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
    const wild = patterns.find((pattern) => mayRunAway(pattern.source));
    return wild ? `a simpler regular expression than ${wild}: no repeated group, at most two of * and +` : null;
  } catch (error) {
    const { message, position } = error as { message?: string; position?: number };
    const place = position === undefined ? '' : ` (line ${lineOf(source, position)}, character ${position})`;
    return `a JSONata expression; this one does not parse: ${message ?? 'unknown'}${place}`;
  }
}

const lineOf = (source: string, position: number): number => source.slice(0, position).split('\n').length;

/** Compiles an expression that has no problem. */
export function compile(source: string): Expression {
  const expression = jsonata(source, { ...LIMITS, RegexEngine: ShortTexts as RegExpConstructor });
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

class ShortTexts extends RegExp {
  override exec(text: string): RegExpExecArray | null {
    if (text.length > MOST_MATCHED) throw Object.assign(new Error('too long'), { code: 'TEXT_TOO_LONG' });
    return super.exec(text);
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

/** Repeated groups can take exponential time, and three open repetitions cubic; both are refused without looking closer. */
const mayRunAway = (pattern: string): boolean => {
  const bare = pattern.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'x');
  return /\)[*+{]/.test(bare) || (bare.match(/[*+]|\{\d+,\d*\}/g) ?? []).length > 2 || /\\[1-9]|\(\?<?[=!]/.test(pattern);
};
