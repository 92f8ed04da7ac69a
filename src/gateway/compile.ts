import type { DocumentNode, GraphQLSchema } from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import type { Plugin } from 'graphql-yoga';

/** What is known of one operation of a document. */
interface Seen {
  count: number;
  /** Null: does not compile, or need not. */
  run: CompiledQuery['query'] | null;
}

/**
 * Compiles operations that keep coming back, as those of portals do: a compiled one walks no syntax tree and looks up no
 * types. Compiling costs milliseconds, so it waits until an operation was asked `after` times; what is asked once, like
 * most of what an attacker invents, is never compiled. Documents come from the engine's own bounded cache, and what was
 * compiled goes with them.
 *
 * Subscriptions and what the compiler does not know run as before, and so does what another schema than `schema` answers.
 */
export function compilePlugin(after = 5, schema?: GraphQLSchema): Plugin {
  const known = new WeakMap<DocumentNode, Map<string, Seen>>();
  return {
    onExecute: ({ args, setExecuteFn }) => {
      if (schema && args.schema !== schema) return;
      const operations = known.get(args.document) ?? new Map<string, Seen>();
      known.set(args.document, operations);
      const name = args.operationName ?? '';
      const seen = operations.get(name) ?? { count: 0, run: null };
      operations.set(name, seen);
      seen.count += 1;
      if (seen.count === after + 1) {
        const compiled = compileQuery(args.schema, args.document, name);
        // Otherwise it is an answer that says why: the executor finds the same and says it better.
        if (isCompiledQuery(compiled)) seen.run = compiled.query;
      }
      const { run } = seen;
      if (run) setExecuteFn(() => run(args.rootValue, args.contextValue, args.variableValues));
    },
  };
}
