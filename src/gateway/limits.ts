import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import { GraphQLError, validate, type DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Context } from './context.ts';
import { defaultMostValues, operationCost } from './cost.ts';

/** How large an operation may be. */
export interface OperationLimits {
  /** Levels of fields. @default 10 */
  readonly depth?: number;
  /** Aliases, counting `__typename` too. @default 30 */
  readonly aliases?: number;
  /** Characters of the document, comments among them. @default 20_000 */
  readonly characters?: number;
  /** Tokens of the document. @default 2000 */
  readonly tokens?: number;
  /** Values that the answer may hold: fields times the `first` of every list above them. @default 20_000 */
  readonly values?: number;
}

const exceeded = (message: string): GraphQLError =>
  new GraphQLError(message.replace(/^Syntax Error: /, ''), { extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } } });

/** Gives a refusal of the armour our code: handlers run before the armour would throw its own error. */
const refusing = {
  onReject: [
    (_: unknown, error: GraphQLError): never => {
      throw exceeded(error.message);
    },
  ],
};

/**
 * Limits on what one operation may ask. All of them hold before anything is resolved; an operation that breaks several is
 * told of the first.
 */
export function limitPlugins(limits: OperationLimits = {}): Plugin[] {
  const most = limits.values ?? defaultMostValues;
  const refuseCostly = (operation: Costly) => {
    const { schema, document, operationName, variableValues } = operation.args;
    const cost = operationCost(schema, document, operationName, (variableValues ?? {}) as Record<string, unknown>);
    const { outcome } = operation.args.contextValue as unknown as Context;
    outcome.cost = cost;
    if (cost > most)
      operation.setResultAndStopExecution({
        errors: [
          exceeded(`The operation costs ${cost}; at most ${most} is allowed. Ask for fewer rows (first), or search for fewer texts.`),
        ],
      });
  };
  const longest = limits.characters ?? 20_000;
  return [
    {
      onParams: ({ params, setResult }) => {
        const length = params.query?.length ?? 0;
        if (length > longest) setResult({ errors: [exceeded(`The document has ${length} characters; at most ${longest} are allowed.`)] });
      },
    },
    maxTokensPlugin({ n: limits.tokens ?? 2000, ...refusing }) as Plugin,
    maxDepthPlugin({ n: limits.depth ?? 10, ...refusing }) as Plugin,
    // `__typename` is on the library's default allow list, which lets a document repeat it without end.
    maxAliasesPlugin({ n: limits.aliases ?? 30, allowList: [], ...refusing }) as Plugin,
    {
      // One complaint is enough for a person; a thousand are an amplifier.
      onValidate: ({ setValidationFn }) =>
        setValidationFn((schema, document, rules, _, typeInfo) =>
          validate(schema, document, rules, { maxErrors: 1 }, typeInfo).slice(0, 1),
        ),
      onExecute: refuseCostly,
      onSubscribe: refuseCostly,
    },
  ];
}

/** Characters of all documents kept; their syntax trees take some fifty times as much memory. */
const mostKept = 1_000_000;

const kept = <T extends object>() =>
  new LRUCache<string, T>({ max: 1000, maxSize: mostKept, sizeCalculation: (_, document) => document.length + 1 });

/** Parsed documents, bounded by their size: bounded by their number alone, long ones that differ a little would fill the memory. */
export const documentCaches = () => ({ documentCache: kept<DocumentNode>(), errorCache: kept<object>() });

type OnExecute = Parameters<NonNullable<Plugin['onExecute']>>[0];
interface Costly {
  readonly args: Pick<OnExecute['args'], 'schema' | 'document' | 'operationName' | 'variableValues' | 'contextValue'>;
  setResultAndStopExecution(result: { errors: GraphQLError[] }): void;
}
