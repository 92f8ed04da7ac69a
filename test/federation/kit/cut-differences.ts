import { execute, parse, type ExecutionResult } from 'graphql';
import { HubError } from '../../../src/contract/contract.ts';
import { randomDocument, type RandomDocument } from '../../kit/documents.ts';
import { createRandom } from '../../kit/random.ts';
import { randomCut } from './cut.ts';
import { startEngine, type EngineOptions } from './engines.ts';

/*
 * Random documents over random cuts (cut.ts): the planned engine against one schema that holds everything. Data byte for byte, order of
 * keys included; errors by the places that they give a reason for.
 */

/** A document that is answered otherwise in parts than as a whole. */
export interface CutDifference {
  /** Of the cut; the same seed gives the same cut and documents. */
  readonly seed: number;
  readonly document: RandomDocument;
  readonly expected: ExecutionResult;
  readonly given: ExecutionResult;
  /** SDL of each subgraph. */
  readonly parts: readonly string[];
}

export interface CutDifferences {
  readonly cuts: number;
  /** Cuts that no composer takes: nothing is asked of them. */
  readonly uncomposed: number;
  readonly asked: number;
  /** Documents whose right answer has errors. */
  readonly failing: number;
  /** Refused as a whole because the planner finds no plan: an error with a code, no data. */
  readonly planless: number;
  readonly found: readonly CutDifference[];
}

/**
 * The nulls that an answer gives a reason for. A null that goes up may have several reasons below it, and which of them is
 * told is up to who answers: the rest of the object is not looked at any more.
 */
export function reasoned(result: ExecutionResult): string[] {
  const places = (result.errors ?? []).map(({ path = [] }) => {
    let at: unknown = result.data ?? null;
    const seen = path.findIndex((key) => {
      if (at === null) return true;
      at = (at as Record<string | number, unknown>)[key] ?? null;
      return false;
    });
    return path.slice(0, seen < 0 ? path.length : seen).join('.');
  });
  return [...new Set(places)].toSorted();
}

export interface CutRun {
  /** Of the first cut; each has the next. */
  readonly seed: number;
  readonly count: number;
  /** For each cut. */
  readonly documents: number;
  /** Differences after which no further cut is made. @default all are looked for */
  readonly enough?: number;
}

/** Asks random documents of random cuts. */
export async function findCutDifferences(
  { seed: first, count, documents, enough = Number.POSITIVE_INFINITY }: CutRun,
  options: EngineOptions = {},
): Promise<CutDifferences> {
  const told = { cuts: 0, uncomposed: 0, asked: 0, failing: 0, planless: 0 };
  const found: CutDifference[] = [];
  for (let seed = first; seed < first + count && found.length < enough; seed += 1) {
    const random = createRandom(seed);
    const { whole, parts } = randomCut(random);
    told.cuts += 1;
    const engine = await startEngine('planned', parts, options).catch(() => null);
    if (!engine) {
      told.uncomposed += 1;
      continue;
    }
    for (let n = 0; n < documents; n += 1) {
      const document = randomDocument(whole, random, {
        faults: 0,
        values: ({ name }, numbers) =>
          name === 'number' ? numbers.int(8) - 1 : name === 'plus' || name === 'times' ? numbers.int(5) : undefined,
      });
      const { query, variables, operationName } = document;
      const expected = await execute({
        schema: whole,
        document: parse(query),
        variableValues: variables,
        ...(operationName !== undefined && { operationName }),
      });
      const given = await engine.ask(query, variables, {}, operationName).catch((error: unknown) => {
        if (error instanceof HubError && error.code === 'PLAN_NOT_FOUND') return null;
        throw new Error(`Seed ${seed}: ${query}`, { cause: error });
      });
      told.asked += 1;
      if (expected.errors) told.failing += 1;
      if (!given) {
        told.planless += 1;
        continue;
      }
      const isAlike = JSON.stringify(expected.data ?? null) === JSON.stringify(given.data ?? null);
      if (isAlike && reasoned(expected).join(' ') === reasoned(given).join(' ')) continue;
      found.push({ seed, document, expected, given, parts: parts.map(({ sdl }) => sdl) });
    }
    await engine.close();
  }
  return { ...told, found };
}

/** A difference as it is read. */
export function cutDifferenceText({ seed, document, expected, given, parts }: CutDifference): string {
  const answer = ({ data, errors }: ExecutionResult) =>
    `${JSON.stringify(data)}\n  ${(errors ?? []).map(({ message, path }) => `${path?.join('.')}: ${message}`).join('\n  ')}`;
  return [
    `Cut ${seed}, ${JSON.stringify(document.variables)}`,
    document.query,
    `expected ${answer(expected)}`,
    `given    ${answer(given)}`,
    ...parts.map((sdl) => sdl.slice(sdl.indexOf('\n') + 1)),
  ].join('\n');
}
