import React from 'react';

/** Text for people, with `code` between backticks as code. Nothing in it is ever HTML. */
export function Said({ text }: { text: string }): React.ReactElement {
  const parts = text.split(/`([^`]+)`/);
  return (
    <>
      {parts.map((part, index) =>
        index % 2 ? <code key={index}>{part}</code> : part
      )}
    </>
  );
}
