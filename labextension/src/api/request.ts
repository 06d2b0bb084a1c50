/* The one function that asks our server extension, and the shape of its refusals. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** What happened, what was expected, what to do next: the three sentences of every refusal. */
export interface ITrouble {
  message: string;
  expected: string;
  next: string;
}

/** A refusal by the server, or no answer at all. */
export class Refusal extends Error {
  constructor(readonly trouble: ITrouble) {
    super(trouble.message);
  }
}

/** GET `mlgov/api/<route>` with a query. Rejects with a Refusal. */
export async function ask<T>(
  route: string,
  query: Record<string, string>,
  settings: ServerConnection.ISettings
): Promise<T> {
  return request(route, query, { method: 'GET' }, settings);
}

/** POST a JSON body to `mlgov/api/<route>`; the XSRF token goes along. Rejects with a Refusal. */
export async function send<T>(
  route: string,
  query: Record<string, string>,
  body: Record<string, unknown>,
  settings: ServerConnection.ISettings
): Promise<T> {
  const init = { method: 'POST', body: JSON.stringify(body) };
  return request(route, query, init, settings);
}

async function request<T>(
  route: string,
  query: Record<string, string>,
  init: RequestInit,
  settings: ServerConnection.ISettings
): Promise<T> {
  const url =
    URLExt.join(settings.baseUrl, 'mlgov', 'api', route) +
    URLExt.objectToQueryString(query);
  let response: Response;
  try {
    response = await ServerConnection.makeRequest(url, init, settings);
  } catch (error) {
    throw new Refusal({
      message: `The Jupyter server did not answer: ${String(error)}.`,
      expected: '',
      next: ''
    });
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    throw new Refusal(troubleOf(body, response.status));
  }
  return body as T;
}

/** The three sentences in an error body, whatever the server sent. */
export function troubleOf(body: unknown, status: number): ITrouble {
  const said = (body ?? {}) as Record<string, unknown>;
  const text = (key: string) =>
    typeof said[key] === 'string' ? (said[key] as string) : '';
  return {
    message: text('message') || `The server answered ${status}.`,
    expected: text('expected'),
    next: text('next')
  };
}
