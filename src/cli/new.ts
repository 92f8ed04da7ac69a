import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HubError, type Language } from '#contract';

export interface NewAdapterOptions {
  /** Product id: lower-case letters, digits, hyphens. */
  readonly name: string;
  /** Folder of the adapter. @default `adapters/<name>` in a checkout of the hub, else `<name>` */
  readonly dir?: string;
  /** Where the command runs; relative folders start here. */
  readonly cwd: string;
  /** @default 'DE' */
  readonly language?: Language;
}

const hub = fileURLToPath(new URL('../..', import.meta.url));
const template = join(hub, 'adapters/_template');

/** They could not name a constant. */
const reserved = new Set(
  'await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield'.split(
    ' ',
  ),
);

/**
 * Writes an adapter that works, for an invented ticket system, under the given name: it compiles, its test passes, and it passes
 * the conformance kit against its simulator. In a checkout of the hub it becomes one of the hub's adapters; elsewhere a package
 * of its own. Resolves to the exit code.
 * @throws HubError CONFIG_INVALID if the name or the folder will not do
 */
export function runNewAdapter(options: NewAdapterOptions, out: (line: string) => void): number {
  const { name, cwd, language = 'DE' } = options;
  const refuse = (de: string, en: string) => new HubError('CONFIG_INVALID', { de, en });
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40)
    throw refuse(
      `„${name}“ kann kein Adapter heißen: Erlaubt sind Kleinbuchstaben, Ziffern und einzelne Bindestriche, zum Beispiel city-desk.`,
      `“${name}” cannot name an adapter: use lower-case letters, digits and single hyphens, for example city-desk.`,
    );
  if (reserved.has(name) || name === 'simulation')
    throw refuse(
      `„${name}“ ist durch die Sprache oder den Hub belegt: Nehmen Sie einen anderen Namen.`,
      `“${name}” is taken by the language or the hub: use another name.`,
    );
  const inCheckout = options.dir === undefined && isCheckout(cwd);
  const folder = resolve(cwd, options.dir ?? (inCheckout ? join('adapters', name) : name));
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw refuse(
      `${folder} ist nicht leer: Nennen Sie mit --dir einen anderen Ordner.`,
      `${folder} is not empty: name another folder with --dir.`,
    );
  const testFile = inCheckout ? join(cwd, 'test/adapters', `${name}.test.ts`) : join(folder, `${name}.test.ts`);
  if (existsSync(testFile))
    throw refuse(`${testFile} gibt es schon: Nehmen Sie einen anderen Namen.`, `${testFile} exists: use another name.`);

  const names = namesOf(name);
  for (const file of readdirSync(template, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path))) {
    const text = names(readFileSync(join(template, file), 'utf8'));
    const isTest = file.endsWith('.test.ts');
    const content = inCheckout ? (isTest ? text.replaceAll("'./", `'../../adapters/${name}/`) : text) : ofItsOwn(text);
    write(isTest ? testFile : join(folder, file), content);
  }
  if (!inCheckout) for (const [file, content] of Object.entries(packageFiles(name, folder))) write(join(folder, file), content);
  for (const line of nextSteps(name, relative(cwd, folder) || '.', inCheckout, language)) out(line);
  return 0;
}

const isCheckout = (cwd: string): boolean => {
  try {
    return resolve(cwd) === resolve(hub) && !hub.includes('/node_modules/') && existsSync(join(cwd, 'test/adapters'));
  } catch {
    return false;
  }
};

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The invented system is called Ticketing; every form of the name becomes the same form of the new one. */
function namesOf(name: string): (text: string) => string {
  const words = name.split('-').map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`);
  const pascal = words.join('');
  const camel = `${pascal.slice(0, 1).toLowerCase()}${pascal.slice(1)}`;
  return (text) =>
    text
      .replaceAll('TICKETING', name.replaceAll('-', '_').toUpperCase())
      .replaceAll('createTicketing', `create${pascal}`)
      .replaceAll('withTicketing', `with${pascal}`)
      .replaceAll('TicketingConfig', `${pascal}Config`)
      .replaceAll('Ticketing', words.join(' '))
      .replaceAll(/(?<=['`])ticketing(?=[-'`])|ticketing(?=-simulator)/g, name)
      .replaceAll('ticketing', camel);
}

/** Outside the hub the contract has its public name, and tests need nothing but Node. */
const ofItsOwn = (text: string): string => text.replaceAll("'#contract'", "'staedtebund/contract'").replaceAll("'vitest'", "'node:test'");

function packageFiles(name: string, folder: string): Readonly<Record<string, string>> {
  const own = JSON.parse(readFileSync(join(hub, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'package.json': json({
      name,
      version: '1.0.0',
      private: true,
      type: 'module',
      exports: './index.ts',
      // The files are named: an older Node.js looks for JavaScript alone, and is content where it finds no test at all.
      scripts: { check: 'tsc', test: 'node --test *.test.ts', simulator: 'node simulator.ts' },
      dependencies: { zod: own.dependencies['zod'] },
      devDependencies: {
        '@types/node': own.devDependencies['@types/node'],
        // npm puts it before the machine's own, which may be older.
        node: own.devDependencies['node'],
        // A checkout is linked, so that adapter and hub share one contract and the command is there.
        staedtebund: hub.includes('/node_modules/') ? own.version : `file:${relative(folder, hub) || '.'}`,
        typescript: own.devDependencies['typescript'],
      },
      engines: { node: '>=24' },
    }),
    'tsconfig.json': json({
      compilerOptions: {
        target: 'esnext',
        module: 'nodenext',
        types: ['node'],
        noEmit: true,
        strict: true,
        allowImportingTsExtensions: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
      },
      include: ['*.ts'],
    }),
    '.gitignore': 'node_modules/\n',
  };
}

function nextSteps(name: string, folder: string, inCheckout: boolean, language: Language): readonly string[] {
  const variable = name.replaceAll('-', '_').toUpperCase();
  const at = (file: string) => (inCheckout ? `${folder}/${file}` : file);
  const say = (de: string, en: string) => (language === 'EN' ? en : de);
  const kit = `npx staedtebund conformance ${at('index.ts')} --config ${at('conformance/city.yaml')} --samples ${at('conformance/samples.yaml')}`;
  return [
    say(`${folder}: ein Adapter, der läuft.`, `${folder}: an adapter that works.`),
    '',
    say('Prüfen:', 'Try it:'),
    ...(inCheckout
      ? ['  npx tsc', `  npx vitest run test/adapters/${basename(name)}.test.ts`]
      : [`  cd ${folder}`, '  npm install', '  npx tsc', '  npm test']),
    say('Konformität (in einer zweiten Sitzung läuft der Simulator):', 'Conformance (the simulator runs in a second terminal):'),
    inCheckout ? `  npx node ${at('simulator.ts')} --port 8080` : '  npm run simulator -- --port 8080',
    `  export ${variable}_URL=http://127.0.0.1:8080 ${variable}_TOKEN=${name}-simulator-token`,
    `  ${kit} --report json --out ${at('conformance/report.json')}`,
    say('In der Datei einer Stadt:', "In a city's file:"),
    `  product: ${inCheckout ? `../${folder}/index.ts` : say('<Pfad von dort>/index.ts', '<path from there>/index.ts')}`,
    ...(inCheckout
      ? [
          say('Mit dem Hub ausliefern: eine Zeile in adapters/index.ts', 'Ship it with the hub: one line in adapters/index.ts'),
          say(
            '  und ihr Name in docs/architecture.md; dann genügt `product: ' + name + '`.',
            '  and its name in docs/architecture.md; then `product: ' + name + '` will do.',
          ),
        ]
      : []),
    say('Weiter: docs/how-to/write-an-adapter.md', 'Go on: docs/how-to/write-an-adapter.md'),
  ];
}
