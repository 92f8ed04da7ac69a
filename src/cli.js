#!/usr/bin/env node
/*
 * `staedtebund` as a command. Node strips the types of a checkout's sources by itself, but of none under node_modules: where
 * the hub is installed as a package, its sources are stripped here, as they are loaded.
 */
import { readFileSync } from 'node:fs';
// As a whole: a name that an older Node.js does not have would end the process before it could say what is missing.
import * as nodeModule from 'node:module';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const needed = Number.parseInt(engines.node.replace(/^\D+/, ''), 10);
if (Number.parseInt(process.versions.node, 10) < needed) {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  const at = process.argv.indexOf('--language');
  const language = at < 0 ? LC_ALL || LC_MESSAGES || LANG || '' : (process.argv[at + 1] ?? '');
  console.error(
    /^en/i.test(language)
      ? `staedtebund needs Node.js ${needed} or later; this is ${process.versions.node}. Install that, or put it beside the package (npm install node@${needed}) and run the command with npx.`
      : `staedtebund braucht Node.js ab Version ${needed}; dies ist ${process.versions.node}. Installieren Sie diese, oder legen Sie sie neben das Paket (npm install node@${needed}) und rufen Sie den Befehl mit npx auf.`,
  );
  process.exit(2);
}

const { registerHooks, stripTypeScriptTypes } = nodeModule;

const sources = new URL('..', import.meta.url).href;

/** @param {string} url */
const isOwnSource = (url) => url.startsWith(sources) && url.endsWith('.ts') && !url.slice(sources.length).includes('node_modules/');

if (sources.includes('/node_modules/')) {
  // Node warns of the function below at its first use; whoever runs a command cannot do anything about it.
  const warn = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...more) => String(warning).startsWith('stripTypeScriptTypes') || warn(warning, ...more);
  registerHooks({
    load: (url, context, next) =>
      isOwnSource(url)
        ? { format: 'module', source: stripTypeScriptTypes(readFileSync(new URL(url), 'utf8')), shortCircuit: true }
        : next(url, context),
  });
}

await import('./cli.ts');
