"""`python -m tests.rollout.golden`: write the golden manifests again, to be read before they are committed."""

from pathlib import Path

from jupyter_mlgov.rollout.manifests.tree import TARGETS, documents, files
from tests.rollout.releases import release

for target in TARGETS:
    one = release()
    found = documents(one, target, storage="s3://models/credit", before="6")
    text = "".join(f"--- # {path}\n{body}" for path, body in files(one, target, found, ("staging", "production")).items())
    (Path(__file__).parent / f"{target}.yaml").write_text(text, "utf-8")
