import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import config from '../../codegen.ts';

/** Generates into memory what codegen.ts describes and fails where a committed file says something else. */
const root = join(import.meta.dirname, '..', '..');
const files = (await generate({ ...config, cwd: root }, false)) as readonly { filename: string; content: string }[];

const committed = (file: string): string | null => {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return null;
  }
};
const drifted = files.filter(({ filename, content }) => committed(filename) !== content).map(({ filename }) => filename);

if (files.length === 0 || drifted.length > 0) {
  console.error(`${drifted.join(', ') || 'codegen.ts'} does not match schema/: run \`npm run generate\` and commit the result.`);
  process.exitCode = 1;
} else console.log(`${files.length} generated files match their schemas`);
