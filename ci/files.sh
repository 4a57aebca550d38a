#!/usr/bin/env bash
# Checks the files that no compiler reads: what stands in `.github` against GitHub's schemas, and the spelling of
# everything. The tools are Python packages, and come into `target/tools/python`.
set -euo pipefail
cd "$(dirname "$0")/.."

python=target/tools/python
# Each at one version, so that a new word list fails nothing by itself.
if ! { [ -x "$python/bin/typos" ] && [ -x "$python/bin/check-jsonschema" ]; } &&
    ! { python3 -m venv "$python" && "$python/bin/pip" install --quiet typos==1.52.0 check-jsonschema==0.39.0; }; then
    echo "skipped: typos and check-jsonschema are not installed, and cannot be had from Python's registry"
    exit 0
fi
schema() { "$python/bin/check-jsonschema" --quiet --builtin-schema "vendor.$1" "${@:2}"; }
schema github-workflows .github/workflows/*.yml
schema dependabot .github/dependabot.yml
schema github-issue-config .github/ISSUE_TEMPLATE/config.yml
for form in .github/ISSUE_TEMPLATE/*.yml; do
    [ "$form" = .github/ISSUE_TEMPLATE/config.yml ] || schema github-issue-forms "$form"
done
git ls-files | "$python/bin/typos" --format brief --force-exclude --file-list -
