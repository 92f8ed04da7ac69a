#!/usr/bin/env node
/*
 * `staedtebund` as a command. What an older Node.js does not have is imported once its version is known: it would end the process
 * before it could say what is missing.
 */
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const needed = Number.parseInt(engines.node.replace(/^\D+/, ''), 10);
if (Number.parseInt(process.versions.node, 10) < needed) {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  const at = process.argv.indexOf('--language');
  const language = at < 0 ? LC_ALL || LC_MESSAGES || LANG || '' : (process.argv[at + 1] ?? '');
  // oxlint-disable-next-line eslint/no-console -- nothing else of the hub can be loaded here
  console.error(
    /^en/i.test(language)
      ? `staedtebund needs Node.js ${needed} or later; this is ${process.versions.node}. Install that, or put it beside the package (npm install node@${needed}) and run the command with npx.`
      : `staedtebund braucht Node.js ab Version ${needed}; dies ist ${process.versions.node}. Installieren Sie diese, oder legen Sie sie neben das Paket (npm install node@${needed}) und rufen Sie den Befehl mit npx auf.`,
  );
  process.exit(2);
}

await import('./strip-types.js');
await import('./cli.ts');
