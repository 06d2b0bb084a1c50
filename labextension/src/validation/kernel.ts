/* Asks the notebook's kernel to do something without a trace in the notebook, and tells what it said. */
import type { Kernel, KernelMessage } from '@jupyterlab/services';

export interface IKernelAnswer {
  ok: boolean;
  /** Somebody interrupted it: that is no trouble of the kernel's. */
  stopped: boolean;
  /** What went wrong, as text. '' when it went well. */
  complaint: string;
}

/**
 * Run `code` silently: no output area, no history, no prompt number.
 * `progress` gets `words` when the kernel takes it up, then each line the kernel prints.
 */
export async function runSilently(
  kernel: Kernel.IKernelConnection,
  code: string,
  words: string,
  progress: (line: string) => void
): Promise<IKernelAnswer> {
  const future = kernel.requestExecute({
    code,
    silent: true,
    store_history: false,
    allow_stdin: false,
    stop_on_error: true
  });
  let warned = '';
  future.onIOPub = message => {
    if (isBusy(message)) {
      progress(words);
    }
    const stream = streamOf(message);
    if (stream?.name === 'stderr') {
      warned += stream.text;
    }
    const line = lastLine(stream?.text ?? '');
    if (line) {
      progress(line);
    }
  };
  const reply = await future.done;
  const content = reply.content;
  if (content.status === 'ok') {
    return { ok: true, stopped: false, complaint: '' };
  }
  if (content.status === 'error') {
    const stopped = content.ename === 'KeyboardInterrupt';
    const complaint = sentence(content.ename, content.evalue);
    return { ok: false, stopped, complaint };
  }
  const complaint = warned.trim() || content.status;
  return { ok: false, stopped: false, complaint };
}

function streamOf(
  message: KernelMessage.IIOPubMessage
): { name: string; text: string } | null {
  return message.header.msg_type === 'stream'
    ? (message as KernelMessage.IStreamMsg).content
    : null;
}

function isBusy(message: KernelMessage.IIOPubMessage): boolean {
  return (
    message.header.msg_type === 'status' &&
    (message as KernelMessage.IStatusMsg).content.execution_state === 'busy'
  );
}

function lastLine(text: string): string {
  return (
    text
      .trim()
      .split(/[\r\n]+/)
      .pop() ?? ''
  );
}

/** The magics raise IPython's UsageError, which is a sentence already; other errors need their name before them. */
export function sentence(name: string, value: string): string {
  return name === 'UsageError' ? value : `${name}: ${value}`.replace(/: $/, '');
}
