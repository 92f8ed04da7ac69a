import { findSandbox, openApi } from './api.ts';

/* Tells what happens in a case of the sandbox that runs in this folder, until it is closed: `node sandbox/watch.ts <case>`. */

interface SeenCase {
  readonly name: string;
  readonly outcome: { readonly text: string } | null;
  readonly waiting: readonly { readonly text: string; readonly awaits: string; readonly municipality: { readonly name: string } }[];
  readonly history: {
    readonly nodes: readonly {
      readonly id: string;
      readonly type: string;
      readonly occurredAt: string;
      readonly municipality: { readonly name: string } | null;
      readonly facts: Readonly<Record<string, unknown>>;
    }[];
  };
}

const query = `subscription ($id: ID!) { caseChanged(id: $id) {
  name(language: EN) outcome { text(language: EN) }
  waiting { text(language: EN) awaits municipality { name } }
  history(first: 100) { nodes { id type occurredAt municipality { name } facts } }
} }`;

/** Facts worth a line: what was decided, about what. */
const shown = ({ choice, result, fields, outcome, step, by }: Readonly<Record<string, unknown>>): string =>
  [choice, result, fields, outcome, step, by]
    .flat()
    .filter((fact): fact is string => typeof fact === 'string' && !/^\d{12}$/.test(fact))
    .join(' ');

async function main(id: string | undefined): Promise<void> {
  if (!id) throw new Error('Which case? node sandbox/watch.ts <case>; node sandbox/move.ts begins one.');
  const told = new Set<string>();
  let waited = '';
  for await (const { caseChanged } of openApi(findSandbox(), 'citizen-eid').follow<{ caseChanged: SeenCase }>(query, { id })) {
    if (told.size === 0) console.log(`${caseChanged.name}\n`);
    for (const event of caseChanged.history.nodes.filter((one) => !told.has(one.id))) {
      told.add(event.id);
      const line = `${event.occurredAt.slice(11, 19)}  ${event.type.padEnd(22)} ${(event.municipality?.name ?? '').padEnd(12)} ${shown(event.facts)}`;
      console.log(line.trimEnd());
    }
    if (caseChanged.outcome) return console.log(`\n${caseChanged.outcome.text}`);
    const waiting = caseChanged.waiting.map(({ text, municipality }) => `          waiting for ${municipality.name}: ${text}`).join('\n');
    if (waiting && waiting !== waited) console.log(waiting);
    waited = waiting;
  }
}

await main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
