import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { contractVersions, type Adapter, type Host } from '#contract';
import { commonContract } from '../../cities/load/definition.ts';
import { fail, pass, type Bench, type Check, type Finding } from '../check.ts';
import { validate } from '../settings.ts';

const loads: Check = {
  id: 'def.loads',
  level: 'MUST',
  title: 'The definition has an id, a version, contract versions, a config schema and a create that makes an adapter.',
  remedy: 'export an AdapterDefinition as docs/reference/contract.md describes it',
  async run({ definition, open }) {
    const { id, version, contract, config } = definition;
    const wrong = [
      /^[a-z][a-z0-9-]*$/.test(id) ? '' : 'id is not lower-case letters, digits and hyphens',
      /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) ? '' : 'version is not a semantic version',
      Array.isArray(contract) && contract.every((one) => /^\d+\.\d+$/.test(one)) ? '' : 'contract is not a list of versions such as 1.0',
      typeof config?.['~standard']?.validate === 'function' ? '' : 'config is no Standard Schema',
      typeof config?.['~standard']?.jsonSchema?.input === 'function' ? '' : 'config prints no JSON Schema',
    ].filter((one) => one !== '');
    if (wrong.length > 0) return fail('a whole definition', wrong.join('; '), loads.remedy);
    const { adapter } = await open({ start: false });
    const missing = (['start', 'stop', 'check'] as const).filter((name) => typeof adapter[name] !== 'function');
    const broken = [...missing.map((name) => `${name} is no function`), ...portProblems(adapter)];
    return broken.length === 0 ? pass : fail('an adapter as the contract describes it', broken.join('; '), loads.remedy);
  },
};

function portProblems({ catalogue, cases, changes, webhook, events, rows }: Adapter): readonly string[] {
  const problem = (holds: boolean, text: string) => (holds ? [] : [text]);
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) > 0;
  return [
    ...(catalogue ? problem(typeof catalogue.listOffers === 'function', 'catalogue.listOffers is no function') : []),
    ...(cases
      ? [
          ...problem(isCount(cases.traits?.maxBatch), 'cases.traits.maxBatch is no whole number above 0'),
          ...problem(
            ['native', 'steps', 'lookup', 'none'].includes(cases.traits?.idempotency),
            'cases.traits.idempotency is not native, steps, lookup or none',
          ),
          ...problem(
            cases.traits?.idempotency !== 'lookup' || typeof cases.findByKey === 'function',
            'idempotency is lookup and findByKey is missing',
          ),
          ...problem(typeof cases.submit === 'function' && typeof cases.loadCases === 'function', 'cases lacks submit or loadCases'),
        ]
      : []),
    ...(changes
      ? [
          ...problem(typeof changes.pull === 'function', 'changes.pull is no function'),
          ...problem(['per-case', 'none'].includes(changes.traits?.ordering), 'changes.traits.ordering is not per-case or none'),
          ...problem(isCount(changes.traits?.everyMs), 'changes.traits.everyMs is no whole number above 0'),
        ]
      : []),
    ...(webhook ? problem(typeof webhook.receive === 'function' && webhook.traits !== undefined, 'webhook lacks receive or traits') : []),
    ...(events ? problem(typeof events.receive === 'function' && events.types.length > 0, 'events lacks receive or types') : []),
    ...(rows
      ? problem(
          typeof rows.load === 'function' && rows.fields.length > 0 && isCount(rows.traits?.maxBatch),
          'rows lacks load, fields or maxBatch',
        )
      : []),
  ];
}

type Trapped = Record<string, unknown>;

/** Everything that reaches outside or comes back later; while `create` runs, each of them only takes a note. */
const traps: readonly (readonly [of: Trapped, name: string, what: string])[] = [
  ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => [globalThis as unknown as Trapped, name, 'a timer'] as const),
  [globalThis, 'fetch', 'a request with the global fetch'] as const,
  [net.Socket.prototype as unknown as Trapped, 'connect', 'a connection'] as const,
  [net, 'createServer', 'a server'] as const,
  [dgram, 'createSocket', 'a UDP socket'] as const,
  ...['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync'].map(
    (name) => [childProcess as unknown as Trapped, name, 'a process'] as const,
  ),
  ...[
    'readFile',
    'readFileSync',
    'writeFile',
    'writeFileSync',
    'open',
    'openSync',
    'readdir',
    'readdirSync',
    'mkdir',
    'mkdirSync',
    'createReadStream',
    'createWriteStream',
    'watch',
    'statSync',
    'existsSync',
    'appendFileSync',
  ].map((name) => [fs as unknown as Trapped, name, 'the file system'] as const),
  ...['readFile', 'writeFile', 'open', 'readdir', 'mkdir', 'stat', 'access'].map(
    (name) => [fs.promises as unknown as Trapped, name, 'the file system'] as const,
  ),
];

/** Runs it with all traps set; synchronous, so that nobody else falls into them. */
function trapped(work: () => unknown): readonly string[] {
  const touched = new Set<string>();
  const originals = traps.map(([of, name]) => of[name]);
  for (const [index, [of, name, what]] of traps.entries()) {
    const original = originals[index] as (...args: unknown[]) => unknown;
    of[name] = function note(this: unknown, ...args: unknown[]) {
      touched.add(`${what} (${name})`);
      return Reflect.apply(original, this, args);
    };
  }
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    for (const [index, [of, name]] of traps.entries()) of[name] = originals[index];
    syncBuiltinESMExports();
  }
  return [...touched];
}

const createIsPure: Check = {
  id: 'def.create-is-pure',
  level: 'MUST',
  title: 'create touches neither network, files, processes nor timers.',
  remedy: 'open connections and timers in start or with the first call; read files in start',
  async run({ definition, config, ars, now }) {
    const contract = commonContract(definition.contract) ?? contractVersions[0] ?? '';
    const validated = await validate(definition, config);
    if ('issues' in validated) return fail('a config that the adapter takes', validated.issues.join('; '), 'correct the config');
    const touched: string[] = [];
    const host: Host = {
      city: 'kit',
      ars,
      contract,
      now,
      fetch: () => {
        touched.push('a request with host.fetch');
        return Promise.reject(new Error('not during create'));
      },
      log: () => {},
    };
    touched.push(...trapped(() => definition.create(validated.config, host)));
    return touched.length === 0 ? pass : fail('nothing but an adapter', touched.join(', '), createIsPure.remedy);
  },
};

const contractNegotiates: Check = {
  id: 'def.contract-negotiates',
  level: 'MUST',
  title: 'The adapter speaks a contract version that this hub speaks, and takes the one the hub chose.',
  remedy: 'list the versions that the adapter was written for in contract, best first',
  run: async ({ definition: { contract } }: Bench): Promise<Finding> =>
    commonContract(contract) !== null
      ? pass
      : fail(
          `one of the contract versions ${contractVersions.join(', ')} among those it speaks`,
          `it speaks ${contract.join(', ') || 'none'}`,
          contractNegotiates.remedy,
        ),
};

export const definitionChecks: readonly Check[] = [loads, createIsPure, contractNegotiates];
