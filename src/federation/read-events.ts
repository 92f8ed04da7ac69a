/*
 * GraphQL over Server-Sent Events, distinct connections mode (graphql-sse protocol): `next` holds a result, `complete` ends.
 */

/**
 * Results of an event stream, parsed.
 * @throws Error if an event is longer than allowed or holds no JSON
 */
export async function* readEvents(body: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator {
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of body) {
    text += decoder.decode(part, { stream: true });
    text = text.replaceAll('\r\n', '\n');
    if (text.length > mostBytes) throw new Error('an event is too long');
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const valueOf = (field: string) =>
        lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
      const [event = 'message'] = valueOf('event');
      if (event === 'complete') return;
      const payload = valueOf('data').join('\n');
      if (event === 'next' && payload !== '') yield JSON.parse(payload);
    }
  }
}
