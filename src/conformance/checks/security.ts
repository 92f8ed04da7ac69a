import { setTimeout as sleep } from 'node:timers/promises';
import { AdapterError, type Json, type Submission } from '#contract';
import { SHORTEST_SECRET } from '../../cities/redaction.ts';
import { fail, notApplicable, pass, unverified, type Bench, type Check, type Opened } from '../check.ts';
import type { FaultName } from '../faults.ts';
import { arrangements } from './operations.ts';

/** Faults under which adapters like to quote what they stumbled over. */
const talkative: readonly FaultName[] = ['echo', 'wrong-shape', 'cut-body', '401-midway', '502-html', 'reset', 'refused'];
/** Shorter texts of an application would be found in any sentence. */
const SHORTEST_PERSONAL = 6;

const neverObservable: Check = {
  id: 'secret.never-observable',
  level: 'MUST',
  title:
    'Neither a secret nor anything of an application appears in a log, an error, its evidence or its stack, whatever the back office answers.',
  remedy: 'name places, ids and codes in messages, never values; do not pass on what the back office wrote',
  async run(bench) {
    const caught: { readonly where: string; readonly text: string }[] = [];
    const silence = overhear((text) => caught.push({ where: 'standard output', text }));
    try {
      await provoke(bench, (where, text) => caught.push({ where, text }));
    } finally {
      silence();
    }
    const secrets = bench.secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
    const personal = bench.submission() ? textsOf(bench.submission() as Submission) : [];
    const leaks = caught.flatMap(({ where, text }) => [
      ...(shows(text, secrets) ? [`a secret in ${where}`] : []),
      ...(personal.some((one) => text.includes(one)) ? [`a value of the application in ${where}`] : []),
    ]);
    if (leaks.length > 0) return fail('nothing of either', [...new Set(leaks)].slice(0, 6).join('; '), neverObservable.remedy);
    if (secrets.length === 0 && !bench.ports.has('cases')) return notApplicable('it has no secret and takes no applications');
    if (secrets.length === 0 && personal.length === 0)
      return unverified('there is neither a secret nor an application to look for', 'give samples.valid');
    return pass;
  },
};

/** As it stands, in a URL, in base64 and with a user before it. */
const shows = (text: string, secrets: readonly string[]): boolean =>
  secrets.some((secret) => {
    const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1);
    return text.includes(secret) || text.includes(encodeURIComponent(secret)) || text.includes(base64);
  });

async function provoke(bench: Bench, tell: (where: string, text: string) => void): Promise<void> {
  const opened = await bench.open();
  const tried = async (what: string, run: () => Promise<unknown>) => {
    await run().catch((error: unknown) => tell(`the error of ${what}`, textOfError(error)));
  };
  for (const operation of await arrangements(bench, opened)) {
    for (const name of talkative) {
      await opened.fault(null);
      const trial = await operation.arrange();
      await opened.fault({ name });
      await tried(`${operation.name} with ${name}`, () => trial.run());
    }
  }
  await opened.fault(null);
  await refused(bench, opened, tried);
  tell('the log', opened.logged().join('\n'));
  await tried('check with wrong secrets', async () => {
    const wrong = await bench.open({ wrongSecrets: true });
    await wrong.read((adapter, call) => adapter.check(call)).finally(() => tell('the log', wrong.logged().join('\n')));
  });
}

async function refused(bench: Bench, opened: Opened, tried: (what: string, run: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const application = bench.invalidSubmission();
  const { cases } = opened.adapter;
  if (application && cases) await tried('a refused application', () => opened.write((_, call) => cases.submit(application, call)));
}

/** `fields` are left out: they are written for the applicant and go to nobody else. */
function textOfError(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? '';
  const evidence = error instanceof AdapterError ? (error.evidence ?? '') : '';
  const cause = error.cause === undefined || depth > 4 ? '' : textOfError(error.cause, depth + 1);
  return [error.message, evidence, error.stack ?? '', cause].join('\n');
}

/** Texts of an application that say something about a person. */
function textsOf({ applicant, formData }: Submission): readonly string[] {
  const texts = (value: Json | undefined): readonly string[] =>
    typeof value === 'string'
      ? [value]
      : value !== null && typeof value === 'object'
        ? Object.values(value).flatMap((part) => texts(part))
        : [];
  return [...new Set([...texts(applicant as unknown as Json), ...texts(formData)])].filter((text) => text.length >= SHORTEST_PERSONAL);
}

/** Hears what is written to standard output and standard error; the function it returns ends that. */
function overhear(tell: (text: string) => void): () => void {
  const ends = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array, ...rest: never[]) => {
      tell(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
      return write(chunk, ...rest);
    };
    return () => void (stream.write = write);
  });
  return () => ends.forEach((end) => end());
}

const onlyDeclared: Check = {
  id: 'egress.only-declared-endpoints',
  level: 'MUST',
  title: 'The adapter connects only to what its config declares as an endpoint, by host.fetch and by its own sockets.',
  remedy: 'use host.fetch, mark every address of the config with x-hub: endpoint, and follow no address that an answer names',
  async run(bench) {
    const opened = await bench.open();
    for (const operation of await arrangements(bench, opened)) {
      const trial = await operation.arrange();
      await trial.run().catch(() => {});
    }
    // What runs on its own does so soon after the start.
    await sleep(50);
    const { to, allowed } = opened.egress();
    const foreign = to.filter((address) => !allowed.includes(address));
    return foreign.length === 0
      ? pass
      : fail(`connections to its ${allowed.length} endpoint(s) only`, foreign.slice(0, 5).join(', '), onlyDeclared.remedy);
  },
};

export const securityChecks: readonly Check[] = [neverObservable, onlyDeclared];
