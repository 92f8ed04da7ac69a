/*
 * Node strips the types of a checkout's sources by itself, but of none under node_modules: where the hub is installed as a package,
 * its sources are stripped here, as they are loaded. Hooks hold for one thread: each thread and process of the hub loads this first.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';

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
