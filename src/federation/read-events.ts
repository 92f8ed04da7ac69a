/*
 * GraphQL over Server-Sent Events, distinct connections mode (graphql-sse protocol): `next` holds a result, `complete` ends.
 */

/**
 * Results of an event stream, parsed. Every character is looked at once, however small the pieces are that it comes in.
 * @throws Error if an event is longer than allowed, holds no JSON, or is no UTF-8
 */
export async function* readEvents(body: AsyncIterable<Buffer>, mostCharacters: number): AsyncGenerator {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let lines: string[] = [];
  let line = '';
  let size = 0;
  for await (const part of body) {
    for (const [index, piece] of decoder.decode(part, { stream: true }).split('\n').entries()) {
      if (index > 0) {
        const whole = line.endsWith('\r') ? line.slice(0, -1) : line;
        line = '';
        if (whole === '') {
          const event = toEvent(lines);
          [lines, size] = [[], 0];
          if (event.name === 'complete') return;
          if (event.name === 'next' && event.data !== '') yield JSON.parse(event.data);
        } else lines.push(whole);
      }
      line += piece;
      size += piece.length + 1;
      if (size > mostCharacters) throw new Error('an event is too long');
    }
  }
}

function toEvent(lines: readonly string[]): { readonly name: string; readonly data: string } {
  const valuesOf = (field: string) =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  return { name: valuesOf('event')[0] ?? 'message', data: valuesOf('data').join('\n') };
}
