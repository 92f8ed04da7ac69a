import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/*
 * Commands in the documents, so that every one of them can be run. A fenced `sh` block is what a reader pastes into one
 * terminal; the words after `sh` say what to expect where it is not success at once:
 *
 *   ```sh             ends with exit code 0
 *   ```sh exit=2      ends with exit code 2
 *   ```sh follow      goes on until the reader stops it; it must have given its answer by then
 *
 * A fenced `text` block right behind it is the answer: each of its lines must appear in the output, in that order; `…`
 * stands for anything. A block of another language with `save=<file>` after it is what the reader saves under that name.
 */

/** A block of commands and what it must answer. */
export interface CommandBlock {
  /** Line of the document on which the fence stands, from 1. */
  readonly line: number;
  readonly script: string;
  readonly exit: number;
  readonly follow: boolean;
  readonly answer: readonly string[];
}

const fence = /^```(\S*)[ ]*(.*)$/;

/**
 * Every `sh` block of a Markdown document and every one to be saved, in order.
 * @throws Error if a fence is not closed or its words are not understood
 */
export function readBlocks(markdown: string): readonly CommandBlock[] {
  const lines = markdown.split('\n');
  const blocks: CommandBlock[] = [];
  let answerable = false;
  for (let at = 0; at < lines.length; at += 1) {
    const [, kind, words = ''] = fence.exec(lines[at] ?? '') ?? [];
    if (kind === undefined) {
      if (lines[at]?.trim()) answerable = false;
      continue;
    }
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the fence is not closed`);
    const body = lines.slice(at + 1, end);
    const last = blocks.at(-1);
    const saved = /^save=(\S+)$/.exec(words.trim())?.[1];
    if (saved) blocks.push({ line: at + 1, script: saving(saved, body), exit: 0, follow: false, answer: [] });
    else if (kind === 'sh') blocks.push({ line: at + 1, script: body.join('\n'), answer: [], ...readWords(words, at + 1) });
    else if (kind === 'text' && answerable && last) blocks[blocks.length - 1] = { ...last, answer: body.filter((line) => line.trim()) };
    answerable = kind === 'sh';
    at = end;
  }
  return blocks;
}

const saving = (file: string, body: readonly string[]): string => [`cat > '${file}' <<'END'`, ...body, 'END'].join('\n');

function readWords(words: string, line: number): { exit: number; follow: boolean } {
  const match = /^(?:exit=(\d+)|(follow))?$/.exec(words.trim());
  if (!match) throw new Error(`line ${line}: after sh stands exit=<code>, follow or nothing, not ${words}`);
  return { exit: Number(match[1] ?? 0), follow: match[2] !== undefined };
}

/** The lines of the answer that the output lacks, from the first one on; empty if all are there in order. */
export function missingLines(answer: readonly string[], output: string): readonly string[] {
  const found = output.split('\n');
  let at = 0;
  for (const [index, line] of answer.entries()) {
    const pattern = new RegExp(`^${line.trim().split('…').map(escape).join('.*')}$`);
    const place = found.findIndex((text, number) => number >= at && pattern.test(text.trim()));
    if (place < 0) return answer.slice(index);
    at = place + 1;
  }
  return [];
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * What must be there for a command that a test cannot run here (it installs, starts everything, tests everything, or needs
 * Docker): null for a command to be run, else a list of complaints, empty if all is there.
 */
export function checkOnly(command: string, root: string): readonly string[] | null {
  const has = (name: string) => (existsSync(join(root, name)) ? [] : [`${name} does not exist`]);
  const [program, verb = '', third = ''] = command.trim().split(/\s+/);
  if (program === 'npm' && verb === 'ci') return [...has('package.json'), ...has('package-lock.json')];
  if (program === 'npm') {
    const name = verb === 'run' ? third : verb;
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    if (!scripts[name]) return [`package.json has no script ${name}`];
    const file = /\S+\.ts\b/.exec(scripts[name])?.[0];
    return file ? has(file) : [];
  }
  if (program === 'docker') {
    const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as { services: Record<string, object> };
    const named = /\b(?:exec|run|logs|restart)\s+(?:-\S+\s+)*(\S+)/.exec(command)?.[1];
    return [...has('Dockerfile'), ...(named && !services[named] ? [`docker-compose.yml has no service ${named}`] : [])];
  }
  return program === '.ci/run' ? has('.ci/run') : null;
}

/** The commands of a script, one each, continued lines joined, comments left out. */
export const commandsOf = (script: string): readonly string[] =>
  script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'));
