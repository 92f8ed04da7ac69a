/** Statuses that `applicationChanged` tells over SSE, as they come; abort the signal to stop. */
export function followStatus(hubUrl: string, token: string, id: string, signal: AbortSignal): string[] {
  const seen: string[] = [];
  const read = async () => {
    const response = await fetch(`${hubUrl}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: 'subscription ($id: ID!) { applicationChanged(id: $id) { status } }', variables: { id } }),
      signal,
    });
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const payload = /^data: (.+)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        const status =
          payload && (JSON.parse(payload) as { data?: { applicationChanged?: { status: string } } }).data?.applicationChanged?.status;
        if (status) seen.push(status);
      }
    }
  };
  read().catch((error: unknown) => {
    if (!signal.aborted) seen.push(String(error));
  });
  return seen;
}
