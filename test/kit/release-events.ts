import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { eventTypes, schemaFolder } from '../../src/events/catalogue.ts';
import { breakages, releasedSchemas } from './event-compat.ts';
import { eventSchemas } from './event-schemas.ts';

/* Keeps the schemas of events as those of the version in package.json, for good: `node test/kit/release-events.ts`, at a release. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
const folder = new URL(`released/${version}/`, schemaFolder);

const said = [...releasedSchemas()].flatMap(([before, schemas]) =>
  breakages(schemas, eventSchemas).map((one) => `${one} (since ${before})`),
);
if (said.length > 0) {
  console.error(`Readers would break:\n${said.join('\n')}`);
  process.exitCode = 1;
} else if (existsSync(folder)) {
  console.error(`${version} is released: raise the version in package.json first.`);
  process.exitCode = 1;
} else {
  mkdirSync(folder, { recursive: true });
  for (const type of Object.keys(eventTypes)) copyFileSync(new URL(`${type}.v1.json`, schemaFolder), new URL(`${type}.v1.json`, folder));
  console.log(`${Object.keys(eventTypes).length} schemas are kept as those of ${version}`);
}
