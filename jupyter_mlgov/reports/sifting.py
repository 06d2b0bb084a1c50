"""Search in a page that asks nobody: the one script that may run in it, and the policy that names it by its hash."""

from __future__ import annotations

import base64
import hashlib


def sifting(noun: str) -> str:
    """The script: rows marked `data-row` are shown when they hold every word of the field `search`; `shown` says how many `noun` are.

    What is compared is text, never markup.
    """
    return (
        """
const box = document.getElementById('search'), said = document.getElementById('shown');
const rows = [...document.querySelectorAll('tr[data-row]')].map(row => [row, row.textContent.toLowerCase()]);
const sift = () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(word => word);
  let shown = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every(word => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  said.textContent = `${shown} of ${rows.length} NOUN`;
};
box.addEventListener('input', sift);
sift();
"""
    ).replace("NOUN", noun)


def script_policy(script: str) -> str:
    """The content security policy of a page with this script: no request, and no other script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    inline = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {inline}; base-uri 'none'; form-action 'none'"
