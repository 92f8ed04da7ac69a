import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Cache } from '../../infra/cache/cache.ts';

/*
 * Answers to anonymous questions about the public catalogue, kept as the bytes they are sent as.
 *
 *   question ──▶ kept here? ──▶ kept in the shared cache? ──▶ being worked out? wait ──▶ work it out, keep it
 *
 * A question is the request's body as it came, with the media types it takes; two spellings of one document are two
 * questions. A kept answer belongs to one revision of the catalogue: an import, a new day or another set of cities makes a
 * new one, and what belonged to the old is never found again. What is not public is remembered as such, so that nobody
 * waits for an answer that will not be shared.
 */

/** An answer without what belongs to one request alone. */
export interface KeptAnswer {
  /** JSON of the answer up to its extensions, in UTF-8: `{"data":…`. */
  readonly head: Buffer;
  readonly contentType: string;
  /** For log, metrics and the cost told to the caller. */
  readonly operation: string | null;
  readonly cost: number;
}

export interface AnswersOptions {
  readonly cache: Cache;
  /** Changes with everything that public answers depend on. */
  readonly revision: () => string;
  /** Longest time an answer is kept, for what changes with time alone, in milliseconds. @default 60_000 */
  readonly ttlMs?: number;
  /** Bytes of all answers kept in this process. @default 32 MiB */
  readonly maxBytes?: number;
}

export interface Answers {
  question(body: Buffer, accept: string): string;
  /** An answer that this process has at hand. */
  find(question: string): KeptAnswer | undefined;
  /**
   * The answer to a question, worked out once for all who ask it at the same time; null if it is not to be shared, or
   * could not be given: then the caller answers by itself.
   */
  findOr(question: string, workOut: () => Promise<KeptAnswer | null>): Promise<KeptAnswer | null>;
  /** False if an earlier answer to the question was not public. */
  mayBePublic(question: string): boolean;
}

export function createAnswers({ cache, revision, ttlMs = 60_000, maxBytes = 32 * 2 ** 20 }: AnswersOptions): Answers {
  const kept = new LRUCache<string, KeptAnswer>({
    maxSize: maxBytes,
    // An entry of an enormous question would be kept for a caller who invents another one each time.
    maxEntrySize: maxBytes / 16,
    sizeCalculation: ({ head }, question) => head.length + question.length + 100,
    ttl: ttlMs,
  });
  const notPublic = new LRUCache<string, true>({ maxSize: maxBytes / 8, sizeCalculation: (_, question) => question.length + 50 });
  const underway = new Map<string, Promise<KeptAnswer | null>>();
  const sharedKey = (question: string) => `answer:${createHash('sha256').update(question).digest('base64url')}`;

  async function fromShared(question: string): Promise<KeptAnswer | null> {
    const text = cache.shared ? await cache.get(sharedKey(question)) : null;
    return text === null ? null : parseKept(text);
  }

  async function answer(question: string, workOut: () => Promise<KeptAnswer | null>): Promise<KeptAnswer | null> {
    const shared = await fromShared(question);
    const found = shared ?? (await workOut());
    if (found) kept.set(question, found);
    else notPublic.set(question, true);
    if (found && !shared && cache.shared)
      await cache.set(sharedKey(question), JSON.stringify({ ...found, head: found.head.toString() }), ttlMs);
    return found;
  }

  return {
    // Latin-1 maps bytes to characters one to one, faster than decoding.
    question: (body, accept) => `${revision()}\n${accept}\n${body.toString('latin1')}`,
    find: (question) => kept.get(question),
    mayBePublic: (question) => !notPublic.has(question),
    findOr(question, workOut) {
      let working = underway.get(question);
      if (!working) {
        working = answer(question, workOut).finally(() => underway.delete(question));
        underway.set(question, working);
      }
      return working;
    },
  };
}

/** Another version of the hub may have written it. */
function parseKept(text: string): KeptAnswer | null {
  try {
    const { head, contentType, operation, cost } = JSON.parse(text) as Record<string, unknown>;
    const fits = typeof head === 'string' && typeof contentType === 'string' && typeof cost === 'number';
    return fits ? { head: Buffer.from(head), contentType, cost, operation: typeof operation === 'string' ? operation : null } : null;
  } catch {
    return null;
  }
}
