import React, { act } from 'react';
import { createRoot } from 'react-dom/client';
import type { IAnswering } from '../api/types';
import { Traffic, trafficMark } from '../monitoring/traffic';
import { HOSTILE, state, trans, view } from './samples';

const CANARY: IAnswering = {
  stage: 'production',
  state: 'canary',
  champion: '1',
  challenger: '2',
  waiting: '',
  share: 5,
  endpoints: ['http://127.0.0.1:1'],
  canary: 'canary',
  look: `canary at 5 %: ${HOSTILE}`,
  look_at: '2026-11-24T12:00:00Z',
  breaker: '',
  killed: '',
  trouble: ''
};

const actions = {
  goTo: () => undefined,
  run: () => undefined,
  open: () => undefined,
  ask: () => Promise.reject(new Error()),
  send: () => Promise.reject(new Error()),
  refresh: () => undefined
};

function drawn(answering: IAnswering | null): HTMLElement {
  (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
  const host = document.createElement('div');
  const shown = state({ view: view({ answering }) });
  act(() =>
    createRoot(host).render(
      <Traffic state={shown} trans={trans} actions={actions} />
    )
  );
  return host;
}

const shares = (host: HTMLElement) =>
  [...host.querySelectorAll('.jp-mlgov-arms li')].map(row => row.textContent);

describe('Traffic', () => {
  it('is nothing where nobody ever served the model', () => {
    expect(drawn(null).textContent).toBe('');
  });

  it('gives each arm its share and the last look, hostile reasons as text', () => {
    const host = drawn(CANARY);
    expect(host.textContent).toContain('Traffic in production');
    expect(host.textContent).toContain('◐ canary');
    expect(shares(host)).toEqual([
      'champion version 195 %',
      'challenger version 25 %'
    ]);
    expect(host.textContent).toContain(HOSTILE);
    expect(host.textContent).toContain('2026-11-24 12:00 UTC');
    expect(host.querySelector('script')).toBeNull();
  });

  it('claims no share of traffic for anybody while the kill switch holds', () => {
    const host = drawn({ ...CANARY, state: 'killed', killed: 'harm' });
    expect(host.textContent).toContain('■ stopped');
    expect(host.textContent).toContain('harm');
    expect(shares(host)).toEqual([
      'champion version 10 %',
      'challenger version 20 %'
    ]);
  });

  it('says why the breaker is open, and that the challenger is in shadow', () => {
    const open = drawn({ ...CANARY, state: 'breaker open', breaker: 'errors' });
    expect(open.textContent).toContain('⚡ breaker open');
    expect(open.textContent).toContain('errors');
    const shadow = drawn({ ...CANARY, state: 'shadow', share: 0 });
    expect(shares(shadow)[1]).toBe('challenger version 2in shadow');
  });

  it('shows what it does not know as told, and never as serving', () => {
    expect(trafficMark('melted', trans)).toEqual({
      mark: '?',
      word: 'melted',
      role: 'unknown'
    });
  });
});
