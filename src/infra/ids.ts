import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import type { Json } from '#contract';

/** A new UUIDv7 (RFC 9562): grows with time, so that indexes stay dense. */
export const newId = (): string => v7();

/** JSON with object keys in order: equal values, equal text (as RFC 8785 does for keys). */
export function canonicalJson(value: Json | undefined): string {
  if (value === undefined) return 'null';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`;
  const entries = Object.entries(value as Record<string, Json>).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** SHA-256 of a text, hexadecimal. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
