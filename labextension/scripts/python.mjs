/* Runs a Python script with the Python that has the project: $PYTHON, the checkout's .venv, or python3. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const venv = ['../.venv/bin/python', '../.venv/Scripts/python.exe'].find(
  existsSync
);
const python = process.env.PYTHON || venv || 'python3';
const done = spawnSync(python, process.argv.slice(2), { stdio: 'inherit' });
if (done.error) {
  console.error(`${python} cannot be started: ${done.error.message}`);
}
process.exit(done.status ?? 1);
